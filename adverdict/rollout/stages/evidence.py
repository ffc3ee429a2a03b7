"""What both arms of a roll-out have come to, gathered from the ledger: as of one entry, so that it can be computed again."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue
from sqlalchemy import Connection, select

from adverdict.domain.decision import Arm
from adverdict.domain.degraded import Cause
from adverdict.domain.verdict import Verdict
from adverdict.ledger.columns import arm_column
from adverdict.ledger.entries import Answered, DecisionMade, Entry, Resolved, Ruled
from adverdict.ledger.history import end_of
from adverdict.ledger.schema import contents, entries, tasks
from adverdict.ledger.store import PAGE, entry_of, entry_query
from adverdict.review.period import about_each, pages
from adverdict.review.tasks.tasks import UNFINISHED
from adverdict.rollout.stages.guards import Event, FirstAd, Look, Settled, Trial, TrialSide

SIDES: tuple[TrialSide, ...] = ("candidate", "control")
NORMAL_95 = 1.96
CLOSING = (Answered.kind, Resolved.kind)
READ_BY = ("audit", "double", "senior")
"""Kinds of tasks of an audit's case."""


@dataclass(frozen=True, slots=True)
class _InArm:
    """What the guards need of a decision in an arm."""

    seq: int
    side: TrialSide
    made: DecisionMade


def gather(connection: Connection, rollout_id: str, until: int | None = None) -> Trial:
    """As of the entry ``until``; now when None. Memory grows with the decisions of both arms that were audited, and their advertisers."""
    seq = end_of(connection) if until is None else until
    first_ads: dict[tuple[str, str], FirstAd] = {}
    ads: Counter[tuple[str, str]] = Counter()
    creatives: defaultdict[str, set[str]] = defaultdict(set)
    creative_of: defaultdict[str, set[str]] = defaultdict(set)
    audited: list[_InArm] = []
    answerable: list[_InArm] = []
    failures: list[Event] = []
    made: Counter[Verdict] = Counter()
    decisions = missing = 0
    for one in _decisions(connection, rollout_id, seq):
        ad, decision = one.made.ad, one.made.decision
        decisions += 1
        missing += any(told.startswith(Cause.ARM_MISSING.value) for told in decision.degraded)
        if any(told == Cause.ARM_FAILED.value for told in decision.degraded):
            failures.append(Event(one.side, ad.advertiser_id))
        if one.side == "candidate":
            made[decision.verdict] += 1
        if not one.made.first:
            continue
        key = (one.side, ad.advertiser_id)
        ads[key] += 1
        if ad.creative_id:
            creatives[ad.creative_id].add(one.side)
            creative_of[ad.advertiser_id].add(ad.creative_id)
        first_ads.setdefault(key, FirstAd(one.side, ad.advertiser_id, decision.verdict is Verdict.REVIEW, _took(decision.arm)))
        if decision.audit is not None and decision.audit.chosen:
            audited.append(one)
        if decision.verdict is Verdict.REJECT:
            answerable.append(one)
    crossed = {name for name, own in creative_of.items() if any(len(creatives[creative]) > 1 for creative in own)}
    settled, unsettled = _settled(connection, [one for one in audited if one.made.ad.advertiser_id not in crossed], ads, seq)
    return Trial(
        settled,
        [one for one in first_ads.values() if one.advertiser not in crossed],
        _appeals(connection, [one for one in answerable if one.made.ad.advertiser_id not in crossed], seq),
        [one for one in failures if one.advertiser not in crossed],
        unsettled,
        len(crossed),
        missing,
        decisions,
        made,
        seq,
    )


def _took(arm: Arm | None) -> float | None:
    return arm.took_ms if arm else None


def told(looks: Iterable[Look], trial: Trial) -> dict[str, JsonValue]:
    """For an entry: what the guards say, and as of which entry it can be computed again."""
    guards: dict[str, JsonValue] = {
        look.guard.name: {
            "units": look.units,
            "errors": look.errors,
            "against": look.against,
            "supporting": look.supporting,
            "bar": look.bar,
            "limit": look.guard.limit,
            "rate": look.rate,
            "low": look.low,
            "high": look.high,
        }
        for look in looks
    }
    sides = Counter(one.side for one in trial.first_ads)
    return {
        "guards": guards,
        "decisions": trial.decisions,
        "advertisers": {side: sides[side] for side in SIDES},
        "first_ads_to_people": {
            side: sum(one.to_people for one in trial.first_ads if one.side == side) / sides[side] if sides[side] else None for side in SIDES
        },
        "unsettled": trial.unsettled,
        "crossed": trial.crossed,
        "arm_missing": trial.missing,
        "failures": {side: sum(one.side == side for one in trial.failures) for side in SIDES},
        "as_of_seq": trial.seq,
    }


def scored(predicted: Mapping[str, JsonValue], trial: Trial) -> JsonValue:
    """What was predicted of the share that goes to people, beside what came of it: first ads, the candidate's less the control's.

    Both in [-1, 1], with 95 % intervals; ``agree``: whether these meet. None where nothing was predicted, or an arm has no ads yet.
    """
    said = predicted.get("to_people")
    counts = {side: [one.to_people for one in trial.first_ads if one.side == side] for side in SIDES}
    if not isinstance(said, dict) or not all(counts.values()):
        return None
    shares = {side: sum(told) / len(told) for side, told in counts.items()}
    realised = shares["candidate"] - shares["control"]
    half = NORMAL_95 * math.sqrt(sum(shares[side] * (1 - shares[side]) / len(counts[side]) for side in SIDES))
    low, high = realised - half, realised + half
    expected = {name: float(said[name]) for name in ("change", "low", "high")}  # type: ignore[arg-type]  # numbers, as a draft writes them
    agree = expected["low"] <= high and low <= expected["high"]
    return {"predicted": dict(expected), "realised": realised, "low": low, "high": high, "agree": agree}


def _decisions(connection: Connection, rollout_id: str, until: int) -> Iterable[_InArm]:
    arms: Mapping[str, TrialSide] = {arm_column(rollout_id, side): side for side in SIDES}
    query = entry_query().add_columns(contents.c.arm).where(contents.c.arm.in_(arms), entries.c.seq <= until, contents.c.step.is_(None))
    after = 0
    while True:
        rows = connection.execute(query.where(entries.c.seq > after).order_by(entries.c.seq).limit(PAGE)).all()
        for row in rows:
            body = entry_of(row).body
            if isinstance(body, DecisionMade):
                yield _InArm(row.seq, arms[row.arm], body)
        if len(rows) < PAGE:
            return
        after = rows[-1].seq


def _settled(
    connection: Connection, audited: Sequence[_InArm], ads: Mapping[tuple[str, str], int], until: int
) -> tuple[list[Settled], int]:
    """Audits settled for good, in the order in which they were, and how many are not."""
    mean = {side: _mean([count for (its, _), count in ads.items() if its == side]) for side in SIDES}
    found: list[tuple[int, Settled]] = []
    for page in pages(audited, PAGE):
        ids = [one.made.decision.decision_id for one in page]
        said, waiting = about_each(connection, ids, CLOSING), _waiting(connection, ids)
        for one in page:
            decision_id = one.made.decision.decision_id
            state = None if decision_id in waiting else _verdict_of(said.get(decision_id, ()), until)
            if state is None:
                continue
            seq, violated = state
            decision, advertiser = one.made.decision, one.made.ad.advertiser_id
            approved = decision.verdict is Verdict.APPROVE
            about = tuple(each.policy for each in decision.policies if approved or each.verdict is Verdict.REJECT)
            weight = ads[one.side, advertiser] / mean[one.side]
            found.append((seq, Settled(one.side, advertiser, decision.verdict, about, violated, weight)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])], len(audited) - len(found)


def _verdict_of(said: Sequence[Entry], until: int) -> tuple[int, tuple[str, ...]] | None:
    """Of an audit that nobody is still to read: when people settled it, and what they found; None where that was later, or not at all.

    Only what overturns a verdict is resolved by an entry: where the last answer brought none, the verdict stands.
    """
    answers = [entry.seq for entry in said if isinstance(entry.body, Answered) and entry.body.task_kind in READ_BY]
    if not answers or max(answers) > until:
        return None
    resolved = [entry.body for entry in said if isinstance(entry.body, Resolved) and entry.body.by == "audit"]
    violated = resolved[-1].violated if resolved and resolved[-1].verdict is Verdict.REJECT else ()
    return max(answers), violated


def _waiting(connection: Connection, decisions: Sequence[str]) -> set[str]:
    """Those of them whose audits somebody is still to read."""
    open_ = tasks.c.state.in_(UNFINISHED) & tasks.c.kind.in_(READ_BY) & tasks.c.drawn.is_(None)
    return set(connection.scalars(select(tasks.c.about).where(tasks.c.about.in_(decisions), open_)))


def _appeals(connection: Connection, answerable: Sequence[_InArm], until: int) -> list[Event]:
    """Appeals that were upheld in the advertiser's favour, in order."""
    found: list[tuple[int, Event]] = []
    for page in pages(answerable, PAGE):
        said = about_each(connection, [one.made.decision.decision_id for one in page], (Ruled.kind,))
        for one in page:
            for entry in said.get(one.made.decision.decision_id, ()):
                if isinstance(entry.body, Ruled) and entry.body.outcome == "overturned" and entry.seq <= until:
                    found.append((entry.seq, Event(one.side, one.made.ad.advertiser_id)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _mean(counts: Sequence[int]) -> float:
    return sum(counts) / len(counts) if counts else 1.0
