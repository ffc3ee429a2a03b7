"""A model that was registered under the product's former name, registered again under its present one.

Scoring, serving and rescoring read a bundle under either name. What MLflow itself does with a version runs the script that is kept in it,
and the script of version 0.1 imports the software by the names that its parts had then. So the bundle is kept again, with today's script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.domain.errors import InvalidSettings, Mistake, NotFound, UntrustedBundle
from adverdict.models.manifest import check
from adverdict.models.registry import BUNDLE_VERSION_TAG, fetch_bundle, resolve
from adverdict.training.tracking.aliases import NAME
from adverdict.training.tracking.pyfunc import log_bundle, software_of
from adverdict.training.tracking.server import answers
from adverdict.training.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

UPGRADED_FROM = "upgraded_from"
"""Tag of a version that was made of another: that one, as ``models:/name/version``."""
ASKED = re.compile(r"([^/@:]+)|models:/([^/@:]+)(?:/\d+|@[^/@]+)")


@dataclass(frozen=True)
class Upgraded:
    """A version and what was made of it."""

    before: str
    """As ``models:/name/version``, and so ``now``."""
    now: str
    aliases: tuple[str, ...]
    """Those that ``now`` took over just now."""
    kept: Mapping[str, str]
    """Those it did not, because a version of the present name has them: alias -> version."""
    already: bool
    """It had been upgraded before, so nothing was done."""


def upgrade(model: str, store: Store, cache: Path) -> list[Upgraded]:
    """Register versions again: those of registered model ``model`` that have an alias, or the one that ``models:/…`` names.

    ``cache``: where bundles are kept. Each new version has the bundle, tags, description and run (so the certificates) of the old one,
    which stays as it is, and its aliases where no version of the present name has them. Raises InvalidSettings, NotFound, Unavailable or
    UntrustedBundle; what was half done is taken back.
    """
    from mlflow import MlflowClient

    client = MlflowClient()
    with answers(store.uri):
        versions = _asked_for(client, model)
        made = {version.tags[UPGRADED_FROM]: version for version in _ours(client) if UPGRADED_FROM in version.tags}
    done = []
    for version in sorted(versions, key=lambda version: int(version.version)):
        before = _exact(version)
        if before in made:
            done.append(Upgraded(before, _exact(made[before]), (), {}, already=True))
            continue
        folder = _checked_bundle(version, cache)
        with answers(store.uri):
            done.append(_registered_again(client, version, folder))
    return done


def _asked_for(client: MlflowClient, model: str) -> Sequence[ModelVersion]:
    """Raises InvalidSettings for what names no version of another model than ours, NotFound where there is none."""
    if model.startswith("models:/"):
        name, _, version = resolve(_refused_unless_other(model)).removeprefix("models:/").rpartition("/")
        return [client.get_model_version(name, version)]
    aliased = sorted(set(client.get_registered_model(_refused_unless_other(model)).aliases.values()))
    if not aliased:
        raise NotFound(f"no version of {model} has an alias: name those to upgrade, such as models:/{model}/1")
    return [client.get_model_version(model, str(version)) for version in aliased]


def _refused_unless_other(model: str) -> str:
    """``model`` itself, when it reads as a registered model, version or alias of another name than the present one."""
    found = ASKED.fullmatch(model)
    if found is None or NAME in (found[1], found[2]):
        expected = "a registered model of another name, such as adjudicate, models:/adjudicate/1 or models:/adjudicate@champion"
        raise InvalidSettings("nothing was upgraded:", [Mistake("NAME", model, expected)])
    return model


def _ours(client: MlflowClient) -> Sequence[ModelVersion]:
    """The versions of the present name; none where it is not registered."""
    versions: Sequence[ModelVersion] = client.search_model_versions(f"name='{NAME}'")
    return versions


def _checked_bundle(version: ModelVersion, cache: Path) -> Path:
    """Its bundle, fetched and found to be whole and the one it says. Raises UntrustedBundle."""
    from adverdict.models.bundle import load_bundle

    folder = fetch_bundle(_exact(version), cache)
    found, said = load_bundle(folder).version, version.tags.get(BUNDLE_VERSION_TAG)
    if said is not None and said != found:
        raise UntrustedBundle(f"{_exact(version)} says it holds bundle {said}, and holds {found}")
    return folder


def _registered_again(client: MlflowClient, version: ModelVersion, folder: Path) -> Upgraded:
    manifest, _ = check(folder)
    bundle = log_bundle(folder, str(version.run_id), manifest.policies, software=software_of(manifest))
    made = None
    try:
        if not client.search_registered_models(f"name='{NAME}'"):
            client.create_registered_model(NAME)
        taken = client.get_registered_model(NAME).aliases
        tags = {**version.tags, UPGRADED_FROM: _exact(version)}
        made = client.create_model_version(
            NAME, bundle.uri, run_id=version.run_id, tags=tags, description=version.description, model_id=bundle.model_id
        )
        free = [alias for alias in _aliases(client, version) if alias not in taken]
        for alias in free:
            client.set_registered_model_alias(NAME, alias, made.version)
    except BaseException:
        if made is not None:
            client.delete_model_version(NAME, made.version)  # with its aliases
        client.delete_logged_model(bundle.model_id)
        raise
    kept = {alias: str(taken[alias]) for alias in _aliases(client, version) if alias in taken}
    return Upgraded(_exact(version), _exact(made), tuple(free), kept, already=False)


def _aliases(client: MlflowClient, version: ModelVersion) -> list[str]:
    """Of one version. A version that a search found does not say them."""
    return sorted(
        alias for alias, number in client.get_registered_model(version.name).aliases.items() if str(number) == str(version.version)
    )


def _exact(version: ModelVersion) -> str:
    return f"models:/{version.name}/{version.version}"
