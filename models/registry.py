"""Bundles by name: ``models:/adverdict@champion``, ``models:/adverdict/3`` or a folder. The one file of ``models`` that fetches."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adverdict.domain.errors import NotFound, Unavailable, UntrustedBundle
from adverdict.domain.settings import Settings, registries_chosen_here, without_password
from adverdict.domain.values import TRACKING_URI
from adverdict.models.manifest import NAME
from adverdict.storage.whole import publish_folder, replacing

REGISTERED, REGISTERED_BEFORE = "adverdict", "adjudicate"
"""The registered model that trainings register versions of: its name, and the one it had in version 0.1."""
BUNDLE_ARTIFACT = "bundle"
BUNDLE_VERSION_TAG = "bundle_version"
CERTIFICATES_TAG = "certificates"
"""On a version: sha256 of the certificates it had when there was one set a version. Who has none of their own policies finds them."""
CERTIFICATES = "certificates.json"
MAX_CERTIFICATES_BYTES = 200_000_000
SCHEMES = ("models:/", "runs:/", "mlflow-artifacts:/")
MLFLOW_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""MLflow's settings where the user set none: it tells nobody, fetches nothing, and gives up within a minute (by default many)."""


def use_registry(settings: Settings) -> None:
    """Point MLflow of this process at the registry the settings name, with limits that suit whoever waits for it."""
    if not settings.tracking_uri:
        registries_chosen_here.add(settings.registry_uri)
    os.environ[TRACKING_URI] = settings.registry_uri
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.get_tracking_uri() != settings.registry_uri:
        mlflow.set_tracking_uri(settings.registry_uri)  # one set by a call, as trainings do, goes before the environment's
    for key, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(key, value)


def is_registered(model: str) -> bool:
    """Whether ``model`` names something in a registry rather than a folder."""
    return model.startswith(SCHEMES)


def resolve(model: str) -> str:
    """What ``model`` stands for now: ``models:/name/version`` for an alias, itself otherwise. Raises NotFound or Unavailable."""
    if not model.startswith("models:/"):
        return model
    name, _, alias = model.removeprefix("models:/").partition("@")
    if not alias and "/" not in name:
        raise NotFound(f"no model {model}: expected models:/NAME/VERSION, models:/NAME@ALIAS or a folder")
    if not alias:
        return model
    with _registry_errors(model):
        from mlflow import MlflowClient

        return f"models:/{name}/{MlflowClient().get_model_version_by_alias(name, alias).version}"


def fetch_bundle(model: str, cache: Path) -> Path:
    """The bundle's folder: ``model`` itself when it is one, else a copy under ``cache``, published whole or not at all.

    Raises NotFound when there is no such model or version, Unavailable when the registry does not answer.
    """
    if not is_registered(model):
        return Path(model)
    exact = resolve(model)
    target = cache / _cache_name(exact)
    if (target / NAME).is_file():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as work:
        with _registry_errors(model):
            from mlflow.artifacts import download_artifacts

            fetched = Path(download_artifacts(artifact_uri=exact, dst_path=work))
        found = next((path.parent for path in sorted(fetched.rglob(NAME))), None)
        if found is None:
            raise NotFound(f"{model} holds no bundle: {NAME} is missing from its artifacts")
        try:
            publish_folder(found, target)
        except FileExistsError:
            # Another worker published the same version first; what is under its name is complete.
            if not (target / NAME).is_file():
                raise
    return target


def version_of(bundle_version: str) -> str | None:
    """The registered version whose bundle has this version, as ``models:/name/version``; None: no such one. Raises Unavailable."""
    with _registry_errors(f"of bundle {bundle_version}"):
        from mlflow import MlflowClient

        found = MlflowClient().search_model_versions(f"tags.{BUNDLE_VERSION_TAG} = '{bundle_version}'", max_results=1)
        return f"models:/{found[0].name}/{found[0].version}" if found else None


def note_of(model: str, tag: str) -> str | None:
    """What a tag of the registered model says; None: it has none, or ``model`` is a folder. Raises NotFound or Unavailable."""
    if not model.startswith("models:/"):
        return None
    with _registry_errors(model):
        from mlflow import MlflowClient

        told = MlflowClient().get_registered_model(_registered(model)).tags.get(tag)
        return None if told is None else str(told)


def take_note(model: str, tag: str, says: str) -> None:
    """Set a tag of the registered model; nothing where ``model`` is a folder. Raises NotFound or Unavailable."""
    if model.startswith("models:/"):
        with _registry_errors(model):
            from mlflow import MlflowClient

            MlflowClient().set_registered_model_tag(_registered(model), tag, says)


def _registered(model: str) -> str:
    return model.removeprefix("models:/").partition("@")[0].partition("/")[0]


def certificates_path(digest: str) -> str:
    """Where a run keeps the set of certificates with this sha256."""
    return f"certificates/{digest[:16]}"


def certificates_tag(policy_hash: str) -> str:
    """On a version: sha256 of the certificates that were solved for these policies."""
    return f"{CERTIFICATES_TAG}.{policy_hash}"


def certificates_of(exact: str, policy_hash: str) -> str | None:
    """The sha256 of the certificates of ``models:/name/version`` for these policies; None: it has none. Raises NotFound or Unavailable."""
    if not exact.startswith("models:/"):
        return None
    with _registry_errors(exact):
        from mlflow import MlflowClient

        name, _, version = exact.removeprefix("models:/").rpartition("/")
        tags = MlflowClient().get_model_version(name, version).tags
        return tags.get(certificates_tag(policy_hash)) or tags.get(CERTIFICATES_TAG)


def fetch_certificates(exact: str, digest: str, cache: Path) -> str:
    """The certificates of a version as text, checked against their sha256; kept under ``cache``.

    Raises NotFound, Unavailable, or UntrustedBundle when they are not the ones the version names.
    """
    kept = cache / f"certificates-{digest[:16]}.json"
    if not kept.is_file():
        name, _, version = exact.removeprefix("models:/").rpartition("/")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as work, replacing(kept) as half, _registry_errors(exact):
            from mlflow import MlflowClient
            from mlflow.artifacts import download_artifacts

            run_id = MlflowClient().get_model_version(name, version).run_id
            path = f"{certificates_path(digest)}/{CERTIFICATES}"
            shutil.move(download_artifacts(run_id=run_id, artifact_path=path, dst_path=work), half)
    raw = kept.read_bytes() if kept.stat().st_size <= MAX_CERTIFICATES_BYTES else b""
    if hashlib.sha256(raw).hexdigest() != digest:
        kept.unlink()
        raise UntrustedBundle(f"the certificates of {exact} are not those the registry names (sha256 {digest[:16]}…)")
    return raw.decode("utf-8")


def _cache_name(exact: str) -> str:
    """Folder of a version in a cache. With the moment it was registered: a registry begun anew counts versions from 1 again."""
    name = exact.replace(":/", "-").replace("/", "-")
    if not exact.startswith("models:/"):
        return name
    with _registry_errors(exact):
        from mlflow import MlflowClient

        registered, _, version = exact.removeprefix("models:/").rpartition("/")
        return f"{name}-{MlflowClient().get_model_version(registered, version).creation_timestamp}"


def forget_others(cache: Path, keep: int = 3) -> None:
    """Drop all but the ``keep`` newest bundles of a cache."""
    versions = sorted((path for path in cache.glob("models-*") if path.is_dir()), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in versions[keep:]:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _registry_errors(model: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    try:
        yield
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"):
            raise NotFound(f"no model {model}: {without_password(error.message)}{_upgrade_first(model)}") from error
        raise Unavailable(f"the model registry does not answer for {model}: {without_password(error.message)}") from error
    except (RequestException, OSError) as error:
        raise Unavailable(f"the model registry does not answer for {model}: {without_password(str(error))}") from error
    except ModuleNotFoundError as error:
        missing = f"the driver of its database is not installed here ({error.name})"
        raise Unavailable(f"the model registry cannot be asked for {model}: {missing}") from error


def _upgrade_first(model: str) -> str:
    """What to do where ``model`` is missing because its registry holds the models of version 0.1; else nothing."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    if model.removeprefix("models:/").split("@")[0].split("/")[0] != REGISTERED:
        return ""
    try:
        before = MlflowClient().search_registered_models(f"name='{REGISTERED_BEFORE}'", max_results=1)
    except MlflowException:  # the registry stopped answering: what was asked for is missing all the same
        return ""
    command = f"adverdict model upgrade {REGISTERED_BEFORE}"
    return f". Here is {REGISTERED_BEFORE}, from before the product was renamed: run `{command}` once" if before else ""
