"""Makes a challenger the champion, unless a gate refuses it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adverdict.domain.errors import ContractMismatch, GateRefused, InvalidInput, InvalidSettings, Mistake
from adverdict.domain.progress import Progress
from adverdict.domain.settings import Settings
from adverdict.features.contract import FeatureContract
from adverdict.features.contract import check as check_contract
from adverdict.models.bundle import Bundle
from adverdict.models.manifest import Manifest, check
from adverdict.models.opening import find_model
from adverdict.storage.tables.pack import Pack, read_pack
from adverdict.storage.tables.reading import Source
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.evaluation.compare import compare
from adverdict.training.evaluation.evaluate import score_dataset
from adverdict.training.evaluation.metrics import Scored
from adverdict.training.gates import Gate, gates, require
from adverdict.training.tracking.aliases import CHAMPION, NAME, aliased
from adverdict.training.tracking.aliases import promote as move_alias
from adverdict.training.tracking.server import configure, ping
from adverdict.training.tracking.verdict import keep_gates


@dataclass(frozen=True)
class Promoted:
    """``before`` is the version that was champion until now, None at the first promotion."""

    version: str
    before: str | None
    gates: Sequence[Gate]

    @property
    def already(self) -> bool:
        """Whether it was the champion before: then it was compared with nothing, and nothing is changed."""
        return self.before == self.version

    @property
    def uri(self) -> str:
        return f"models:/{NAME}/{self.version}"


def promote(
    model: str, data: Sequence[Path | Source], drop_policies: bool, settings: Settings, progress: Progress, *, strict: bool = False
) -> Promoted:
    """Promote a registered version. Once there is a champion, ``data`` must hold labelled ads to compare the two on. What the gates say is
    kept with the version, also when they refuse it. ``strict``: a gate that cannot judge refuses it, too.

    Raises GateRefused naming every gate that failed, NotJudged, InvalidSettings when ``data`` is missing or ``model`` is no registered
    version.
    """
    judged = judge(model, data, drop_policies, settings, progress)
    if judged.already:
        return judged
    keep_gates(judged.version, judged.gates)
    require(judged.gates, strict=strict)
    move_alias(judged.version)
    return judged


def make_champion(model: str, settings: Settings) -> str | None:
    """Make a registered version, which the gates have let through, the champion, and the one until now ``previous``: that one, None where
    there was none. Done again it changes nothing. Raises NotFound, Unavailable, or InvalidSettings for what is no registered version."""
    ping(configure(settings))
    return move_alias(registered_version(model, find_model(model, settings).source))


def judge(
    model: str, data: Sequence[Path | Source], drop_policies: bool, settings: Settings, progress: Progress, *, on_trial: bool = False
) -> Promoted:
    """What every gate says of a registered version, without promoting it. ``on_trial``: it will be tried against the champion on live ads,
    so labelled ads to compare the two on need not be there.

    Raises GateRefused for one that was never evaluated, InvalidSettings when ``data`` is missing or ``model`` is no registered version.
    """
    ping(configure(settings))
    found = find_model(model, settings)
    version = registered_version(model, found.source)
    before = aliased(CHAMPION)
    manifest, _ = check(found.folder)
    difference = _contract_difference(manifest)
    bundle = None if difference else found.load()  # one that cannot be loaded is refused here, not by the service
    comparison: dict[str, Any] | None = None
    champion_policies: tuple[str, ...] = ()
    if before is not None and before != version and bundle is not None:
        if not data and not on_trial:
            raise InvalidSettings(
                "there is a champion to compare with", [Mistake("--data", "(none)", "labelled ads neither model was trained on")]
            )
        champion = find_model(f"models:/{NAME}/{before}", settings).load()
        champion_policies = champion.policies
        comparison = compare_bundles(champion, bundle, data, progress) if data else None
    if "policies" not in manifest.metrics:
        raise GateRefused(f"{model} was never evaluated: its manifest holds no figures")
    outcome = gates(
        manifest.metrics,
        comparison,
        champion_policies=champion_policies,
        may_drop=champion_policies if drop_policies else (),
        contract_difference=difference,
        on_trial=on_trial and comparison is None and before is not None,
    )
    return Promoted(version, before, outcome)


def compare_bundles(champion: Bundle, challenger: Bundle, data: Sequence[Path | Source], progress: Progress) -> dict[str, Any]:
    """``training.evaluation.compare.compare`` of two bundles on labelled ads, each scored with the policies both know.

    Raises InvalidSettings when one of them was trained on the data: whoever has seen the answers wins.
    """
    packs = [read_pack(folder) for folder in data]
    _refuse_training_data({"champion": champion, "challenger": challenger}, packs)
    labelled = dataset(packs)
    shared = [policy for policy in labelled.policies if policy in champion.policies and policy in challenger.policies]
    if not shared:
        expected = "labels under a policy that both models score"
        raise InvalidInput("nothing to compare on", [Mistake("policy", ", ".join(labelled.policies), expected)])
    return compare(_scored(champion, labelled, progress), _scored(challenger, labelled, progress))


def _scored(bundle: Bundle, labelled: Dataset, progress: Progress) -> Scored:
    history = bundle.fresh_history()
    history.observe_ads(labelled.known_ads)
    known = labelled.with_policies([policy for policy in labelled.policies if policy in bundle.policies])
    return score_dataset(bundle, known, history, progress)


def _contract_difference(manifest: Manifest) -> list[str]:
    try:
        check_contract(FeatureContract.from_json(json.dumps(manifest.contract)))
    except ContractMismatch as error:
        return [str(error)]
    return []


def registered_version(model: str, exact: str) -> str:
    """Number of the version. Raises InvalidSettings for another model's, or none at all."""
    prefix, _, version = exact.rpartition("/")
    if prefix != f"models:/{NAME}" or not version.isdigit():
        raise InvalidSettings(
            "only registered versions can be promoted", [Mistake("--model", model, f"models:/{NAME}/VERSION or an alias")]
        )
    return version


def _refuse_training_data(bundles: dict[str, Bundle], packs: Sequence[Pack]) -> None:
    mistakes = [
        Mistake("--data", pack.name, f"ads the {name} was not trained on")
        for pack in packs
        for name, bundle in bundles.items()
        if pack.digest in {source.digest for source in bundle.manifest.data}
    ]
    if mistakes:
        raise InvalidSettings("this comparison would mean nothing", mistakes)
