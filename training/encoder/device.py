"""Where a transformer runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adverdict.domain.errors import InvalidSettings, Mistake

if TYPE_CHECKING:
    import torch

AUTO = "auto"
DEVICES = (AUTO, "cpu", "cuda", "mps")


def device_of(name: str) -> torch.device:
    """``auto`` is a GPU where PyTorch finds one of NVIDIA's, else the CPU. Raises InvalidSettings for a device that is not there."""
    import torch

    there = ["cpu", *(["cuda"] if torch.cuda.is_available() else []), *(["mps"] if torch.backends.mps.is_available() else [])]
    if name == AUTO:
        return torch.device("cuda" if "cuda" in there else "cpu")
    if name not in there:
        raise InvalidSettings(
            "this device cannot run a transformer", [Mistake("--device", name, f"a device that PyTorch finds here: {' or '.join(there)}")]
        )
    return torch.device(name)
