"""What share of the processor's int8 peak the encoder reaches in batches, and what int8 changes beside its fp32 twin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adverdict.benchmarks.batch.batch_setup import Advance, BatchSetup, Figures, Write
from adverdict.benchmarks.batch.counts import flipped_of
from adverdict.benchmarks.batch.packs import precision, read_risks, refuse_others_policies, targets_of
from adverdict.benchmarks.batch.scoring import opened
from adverdict.benchmarks.rescore.speed import encoder_share
from adverdict.benchmarks.shared import beside
from adverdict.certification.exits.solve import verdicts
from adverdict.certification.statistics.alikeness import alikeness
from adverdict.domain.errors import AdverdictError, InvalidInput, Mistake


@dataclass(frozen=True)
class EncoderPlan:
    """``texts`` on which the share of the peak is measured, ``rounds`` times; the median counts."""

    texts: int = 4096
    rounds: int = 3


QUICK = EncoderPlan(texts=512, rounds=1)


def steps(plan: EncoderPlan, data: Sequence[Path]) -> int:
    return plan.rounds + max(1, len(data))


def int8(setup: BatchSetup, plan: EncoderPlan, fp32: Path | None, data: Sequence[Path], write: Write, advance: Advance) -> Figures:
    """Every figure also goes to ``write``, as it comes. ``fp32``: the same model before it was quantised."""
    found: Figures = {"left_out": {}, "rounds": [], "beside_fp32": {}}
    bundle = setup.bundle()
    if json.loads((bundle / "manifest.json").read_text(encoding="utf-8")).get("encoder") is None:
        return found | {"left_out": {"int8": f"{bundle.name} has no encoder"}}
    for _ in range(plan.rounds):
        found["rounds"].append(encoder_share(bundle, setup.ads(), plan.texts))
        found |= _middle(found["rounds"])
        advance()
        write(found)
    if fp32 is None:
        found["left_out"]["int8 beside fp32"] = "no --fp32 bundle was given"
        return found
    for pack in data or (setup.ads(),):
        try:
            found["beside_fp32"][pack.name] = twins(setup, bundle, fp32, pack)
        except AdverdictError as error:
            found["left_out"][f"{pack.name} beside fp32"] = str(error)
        advance()
        write(found)
    return found


def twins(setup: BatchSetup, bundle: Path, fp32: Path, pack: Path) -> Figures:
    """Average precision of both on the same labelled ads, and the ads whose verdicts differ. Raises InvalidInput for what are no twins."""
    mine, theirs = (json.loads((one / "manifest.json").read_text(encoding="utf-8")) for one in (bundle, fp32))
    wrong = [
        Mistake(name, str(theirs[name]), str(mine[name]), "--fp32") for name in ("policies", "components") if mine[name] != theirs[name]
    ]
    if wrong:
        raise InvalidInput(f"{fp32.name} is not {bundle.name} before it was quantised", wrong)
    refuse_others_policies(bundle, pack)
    return beside.threaded(_twins, 1, bundle, fp32, setup.rules(pack), pack)


def _twins(bundle: Path, fp32: Path, rules: Path, pack: Path) -> Figures:
    from adverdict.storage.tables.pack import read_pack

    read = read_pack(pack)
    ours, twin = opened(bundle, rules, None, pack), opened(fp32, rules, None, pack)
    new = bool(ours.ads)
    # What both were made with is told well by both, and the difference still shows what rounding does.
    ours, twin = (replace(one, ads=ours.ads if new else read.ads) for one in (ours, twin))
    mine, theirs = read_risks(ours), read_risks(twin)
    flipped = (verdicts(mine.whole, mine.cuts) != verdicts(theirs.whole, mine.cuts)).any(axis=1)
    targets = targets_of(ours, read.labels)
    models = {"int8": mine.whole, "fp32": theirs.whole}
    ap = {policy: precision(models, targets[:, column], mine.group, column) for column, policy in enumerate(ours.bundle.policies)}
    return {
        "new_to_the_bundle": new,
        **flipped_of(flipped, mine.group, alikeness(flipped, mine.group)),
        "largest_difference": float(abs(mine.whole - theirs.whole).max()),
        "ap": {policy: one for policy, one in ap.items() if one},
    }


def _middle(rounds: Sequence[Figures]) -> Figures:
    """The round whose share is the median, or the lower of the two in the middle."""
    ordered = sorted(rounds, key=lambda one: float(one["int8_share_of_peak"]))
    shares = [one["int8_share_of_peak"] for one in ordered]
    middle = ordered[(len(ordered) - 1) // 2]
    return {"int8_share_of_peak": middle["int8_share_of_peak"], "int8_share_of_peak_range": [shares[0], shares[-1]], "encoder": middle}
