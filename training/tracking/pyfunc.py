"""A bundle as a model in MLflow's own form: its script, its signature, an example, and the software that it needs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adverdict.domain.ad import Ad
from adverdict.models.manifest import Manifest
from adverdict.models.registry import BUNDLE_ARTIFACT
from adverdict.training.tracking.store import only_errors, without_mlflows_own_warnings
from adverdict.training.tracking.wheel import pinned, wheel_of

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

SOFTWARE = "adverdict"
"""The distribution that a bundle's script imports."""
EXAMPLE: dict[str, Any] = Ad.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,assignment]


@dataclass(frozen=True)
class LoggedBundle:
    """A bundle kept with its run, not yet registered."""

    model_id: str
    uri: str


def log_bundle(
    folder: Path, run_id: str, policies: Sequence[str] = (), *, script: Path | None = None, software: Sequence[str] = (SOFTWARE,)
) -> LoggedBundle:
    """Keep a sealed bundle with a run, also an ended one, to be loaded by the code of ``models/pyfunc_model.py``; registers nothing.

    With it goes a wheel of each distribution in ``software``, so that it can be loaded where nobody has this product: the name of it on
    the Python index is nobody's promise. ``policies``: those it scores, for the signature.
    """
    script = script or Path(str(files("adverdict.models") / "pyfunc_model.py"))
    with ExitStack() as stack:
        wheels = _wheels(software, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adverdict-wheel-"))))
        stack.enter_context(only_errors("mlflow.pyfunc"))
        # It tries to read the wheel's line as the name of a package, and says that it cannot.
        stack.enter_context(only_errors("mlflow.utils.requirements_utils"))
        stack.enter_context(without_mlflows_own_warnings())
        import mlflow.pyfunc
        from mlflow.models import Model

        info = Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            name="model",
            run_id=run_id,
            python_model=str(script),
            artifacts={BUNDLE_ARTIFACT: str(folder), **{f"wheel-{number}": str(wheel) for number, wheel in enumerate(wheels)}},
            pip_requirements=_requirements(software, wheels),
            signature=signature_of(policies) if policies else None,
            input_example=[EXAMPLE] if policies else None,
        )
    return LoggedBundle(info.model_id, info.model_uri)


def software_of(manifest: Manifest) -> tuple[str, ...]:
    """The distributions that a bundle needs: ours, and those of its plug-ins."""
    return tuple(dict.fromkeys((SOFTWARE, *(one.distribution for one in manifest.plugins if one.distribution))))


def signature_of(policies: Sequence[str]) -> ModelSignature:
    """The data contract's columns in, an id and three numbers a policy out.

    It says that it comes from a type hint, for then MLflow shows it and hands every input on as it came: lists, dicts, Series and Polars
    frames, which its own check knows nothing of. The model's check is the same as at every other door, and keeps times with a zone.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, DataType, Schema

    outputs: list[Any] = [ColSpec(DataType.string, "ad_id")]
    outputs += [ColSpec(DataType.double, f"{end}_{policy}") for policy in policies for end in ("p", "p_low", "p_high")]
    signature = ModelSignature(Schema(_columns()), Schema(outputs))
    signature._is_signature_from_type_hint = True
    return signature


def _columns() -> list[Any]:
    from mlflow.types.schema import Array, ColSpec, DataType

    kinds: dict[str, Any] = {"string": DataType.string, "number": DataType.double, "boolean": DataType.boolean}
    kinds["array"] = Array(DataType.string)
    schema = Ad.model_json_schema(mode="serialization")
    required = {name for name, field in Ad.model_fields.items() if field.is_required()}
    return [ColSpec(kinds[_kind(told)], name, required=name in required) for name, told in schema["properties"].items()]


def _kind(told: dict[str, Any]) -> str:
    """The JSON type of a field, without null."""
    kinds = [told["type"]] if "type" in told else [one["type"] for one in told["anyOf"] if one["type"] != "null"]
    return str(kinds[0])


def _wheels(software: Sequence[str], folder: Path) -> list[Path]:
    return [wheel_of(name, folder) for name in software if _is_installed(name)]


def _requirements(software: Sequence[str], wheels: Sequence[Path]) -> list[str]:
    """What ``pip install -r`` makes an environment of, in the model's own folder: the wheels that lie there, and what they need in the
    versions that are installed here."""
    needed = {line for name in software if _is_installed(name) for line in pinned(name)}
    others = sorted(line for line in needed if line.partition("==")[0] not in software)
    return [*(f"artifacts/{wheel.name}" for wheel in wheels), *others]


def _is_installed(name: str) -> bool:
    return next(iter(metadata.distributions(name=name)), None) is not None
