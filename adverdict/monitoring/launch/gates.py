"""What has to be there before something opens. A gate is a function of the launch and of what is known; together they are the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from adverdict.domain.formats import counted, percent, roughly
from adverdict.ledger.bodies.launch import GateStatus, GateTold, LaunchVerdict
from adverdict.monitoring.launch.words import MARGIN, WEEKS, Launch, LaunchFacts, PeopleWeek, PolicyReady

OK, PEOPLE, TODO, MISSING = GateStatus.OK, GateStatus.PEOPLE, GateStatus.TODO, GateStatus.MISSING
GOLDEN = 100
"""Items in a language by which its reviewers' errors are known to a few in a hundred."""
READERS = 2
"""In a language: a second reading is somebody else's."""
THIN = 0.05
"""Share of the week's hours on duty that one reader alone may cover."""
UNITS = 150
"""Audited advertisers within which leakage at three times its limit rings (docs/monitoring.md)."""
FIRST_DAYS = 30
LEAD = {"policies": 21, "certificates": 14, "languages": 28, "people": 56, "golden": 7, "audits": 7, "reasons": 14, "roll-out": 14}
"""Days before it opens by which a gate has to be seen to: time for stages, labels, or hiring."""


def gates(launch: Launch, facts: LaunchFacts) -> tuple[GateTold, ...]:
    return tuple(gate(launch, facts) for gate in GATES)


def verdict(told: Sequence[GateTold]) -> LaunchVerdict:
    """*No go* where anything is missing, *go with people deciding* where people have to, else *go*."""
    statuses = {one.status for one in told}
    if MISSING in statuses:
        return LaunchVerdict.NO_GO
    return LaunchVerdict.PEOPLE if PEOPLE in statuses else LaunchVerdict.GO


def policies(launch: Launch, facts: LaunchFacts) -> GateTold:
    without = [one for one in launch.markets if one not in facts.files]
    waiting = [one for one in launch.markets if one in facts.files and one not in facts.in_force]
    if without:
        says = f"no policy file for {_listed(without)}: every ad there would go to people, under no rule of its own"
        return _gate(
            launch, "policies", MISSING, says, "policy", f"write policies/{without[0]}.yaml, then adverdict rollout draft policies"
        )
    if waiting:
        says = f"the file of {_listed(waiting)} is not in the set of policies that is in force"
        return _gate(launch, "policies", MISSING, says, "policy", "adverdict rollout propose, and have it signed")
    by = f", brought into force or signed by {_listed(facts.signed)}" if facts.signed else ""
    return _gate(launch, "policies", OK, f"in force in {_listed(launch.markets)}{by}", "policy")


def certificates(launch: Launch, facts: LaunchFacts) -> GateTold:
    """Thresholds that decide with a guarantee; where none do, people read every ad."""
    deciding = facts.people_decide
    if not facts.policies:
        says = "no policy looks at its ads, or none is known"
        return _gate(launch, "certificates", MISSING, says, "data", "a policy file in which policies are in force")
    if not deciding:
        kinds = sorted({one.state for one in facts.policies if one.state != "allowed"})
        promised = sum(one.limit is not None for one in facts.policies)
        weak = [one for one in facts.policies if one.decides and one.limit is None]
        says = f"{promised} of {len(facts.policies)} policies decide with a certificate ({_listed(kinds)})"
        if weak:
            needs = f"adverdict policy sample, then policy solve: {_listed(_names(weak))} decide without a promise"
            return _gate(launch, "certificates", TODO, says, "data", needs, _labels(weak))
        return _gate(launch, "certificates", OK, says, "data")
    where = "; ".join(f"{_listed(names)} in {market}" for market, names in deciding.items())
    reads = launch.ads_per_day * len(deciding) / len(launch.markets)
    says = f"nothing may decide {where} by itself, so people read every ad there: {reads:,.0f} a day"
    needed = [one for one in facts.policies if not one.decides and one.state != "allowed"]
    return _gate(launch, "certificates", PEOPLE, says, "data", "adverdict policy sample, then policy solve", _labels(needed))


def languages(launch: Launch, facts: LaunchFacts) -> GateTold:
    """Somebody reads it; and the model, or people read all of it."""
    few = [one for one in launch.languages if facts.readers.get(one, 0) < READERS]
    if few:
        says = f"fewer than {READERS} reviewers read {_listed(few)}: a second reading is nobody's"
        needs = "adverdict review reviewers --set NAME --languages …, and a line in roster.csv"
        return _gate(launch, "languages", MISSING, says, "workforce", needs, f"{READERS} people a shift")
    thin = [] if facts.thin_hours is None else [one for one in launch.languages if facts.thin_hours.get(one, 0.0) > THIN]
    if thin:
        alone = max((facts.thin_hours or {})[one] for one in thin)
        says = f"in {alone:.0%} of the hours on duty fewer than {READERS} people on the roster read {_listed(thin)}"
        return _gate(launch, "languages", TODO, says, "workforce", "more of them in roster.csv, or shifts that overlap")
    strange = facts.strange(launch.languages)
    if strange:
        says = f"the model has learnt from no ads in {_listed(strange)}: people read all of them"
        return _gate(launch, "languages", PEOPLE, says, "data", "adverdict market onboard, and train with labels of it")
    return _gate(launch, "languages", OK, f"the model and at least {READERS} reviewers read {_listed(launch.languages)}", "data")


def people(launch: Launch, facts: LaunchFacts) -> GateTold:
    if facts.weeks is None:
        says = "too little is on record to plan people from: 14 days of ads, and their tasks"
        return _gate(launch, "people", MISSING, says, "workforce", "wait for the days, or open a market that is on record first")
    fullest = max(facts.weeks, key=lambda one: one.needed - one.rostered)
    needed = f"{max(one.needed for one in facts.weeks):,.1f} full-time people"
    if all(one.rostered == 0 for one in facts.weeks):
        says = f"nobody is rostered, and {needed} are needed with it"
        return _gate(launch, "people", MISSING, says, "workforce", "roster.csv in the operations folder", needed)
    missed = [one for one in facts.weeks if _falls_short(one, facts.met_target)]
    early = f", planned for {facts.weeks[0].week}" if facts.weeks[0].week + timedelta(days=7) <= launch.opens else ""
    extra = max(one.extra for one in facts.weeks)
    cost = f"{extra:,.0f} tasks a week more, {needed} in all, with {MARGIN - 1:.0%} more ads than stated{early}"
    if not missed:
        weeks, there = counted(len(facts.weeks), "week"), f"{fullest.needed:,.1f} of {fullest.rostered:,.1f} full-time people"
        return _gate(launch, "people", OK, f"the roster suffices in {weeks} from its opening on ({there})", "workforce", cost=cost)
    short = missed[0]
    odds = f", targets kept with probability {short.met:.2f}" if short.met is not None else ""
    says = f"in the week of {short.week} {short.needed:,.1f} full-time people are needed and {short.rostered:,.1f} rostered{odds}"
    gap = max(fullest.needed - fullest.rostered, 0.1)
    status = MISSING if any(_surely_short(one, facts.met_target) for one in facts.weeks[:WEEKS]) else TODO
    return _gate(launch, "people", status, says, "workforce", f"{gap:,.1f} full-time people more, or fewer ads a day", cost)


def golden(launch: Launch, facts: LaunchFacts) -> GateTold:
    few = {one: facts.golden.get(one, 0) for one in launch.languages if facts.golden.get(one, 0) < GOLDEN}
    if few:
        says = "; ".join(
            f"{count:,} golden items in {language}, and {GOLDEN} tell how often its reviewers err" for language, count in few.items()
        )
        missing = sum(GOLDEN - count for count in few.values())
        return _gate(
            launch, "golden", TODO, says, "operations", "adverdict review golden --data FOLDER", f"{missing:,} ads of known verdict"
        )
    return _gate(launch, "golden", OK, f"at least {GOLDEN} golden items in {_listed(launch.languages)}", "operations")


def audits(launch: Launch, facts: LaunchFacts) -> GateTold:
    """Enough audits in the first month for leakage to be noticed within it."""
    deciding = [one for one in facts.policies if one.decides]
    if not deciding or facts.people_decide.keys() >= set(launch.markets):
        return _gate(launch, "audits", OK, "nothing is approved automatically, so nothing needs an audit", "operations")
    share = max(one.audit_share for one in deciding)
    approved = launch.ads_per_day * (1 - (facts.review_share or 0.0))
    wanted = min(1.0, UNITS / (FIRST_DAYS * max(approved, 1e-9)))
    told = share * approved * FIRST_DAYS
    if share + 1e-9 < wanted:
        says = f"{percent(share)} of what is approved is audited: {told:,.0f} in the first month, and leakage rings after some {UNITS}"
        needs = f"audit_share: {wanted:.2f} in its policy file for the first month"
        return _gate(launch, "audits", TODO, says, "policy", needs, f"{wanted * approved:,.0f} audits a day")
    return _gate(launch, "audits", OK, f"{told:,.0f} audits in the first month, of {percent(share)} of what is approved", "operations")


def reasons(launch: Launch, facts: LaunchFacts) -> GateTold:
    """What advertisers read, and who hears their appeals."""
    nobody = [one for one in launch.languages if facts.seniors.get(one, 0) == 0]
    foreign = [one for one in facts.policies if one.reason_language is not None and one.reason_language not in launch.languages]
    if nobody:
        says = f"no senior reviewer reads {_listed(nobody)}: appeals there are nobody's"
        return _gate(launch, "reasons", MISSING, says, "workforce", "adverdict review reviewers --set NAME --senior", "1 senior reviewer")
    if foreign:
        said = f"{_listed(_names(foreign))} in {_listed(sorted({one.market for one in foreign}))}"
        says = f"the reasons that advertisers read are not in {_listed(launch.languages)}: {said}"
        return _gate(launch, "reasons", TODO, says, "legal", "reason: in the market's policy file, in its language")
    return _gate(launch, "reasons", OK, "reasons in the language, and somebody senior who hears appeals", "legal")


def monitoring(launch: Launch, facts: LaunchFacts) -> GateTold:
    """What would ring, and after how long."""
    promised = [one for one in facts.policies if one.limit is not None]
    if not promised:
        says = "nothing is promised there, so no detector watches it; people decide, and second readings tell how well"
        return _gate(launch, "monitoring", OK, says, "operations")
    a_day = max(one.audit_share for one in promised) * launch.ads_per_day * (1 - (facts.review_share or 0.0))
    days = UNITS / a_day if a_day > 0 else math.inf
    told = f"about {counted(math.ceil(days), 'day')}" if days < 365 else "more than a year"
    says = f"{counted(len(promised), 'certificate')} watched from the first day on; leakage at three times its limit rings after {told}"
    return _gate(launch, "monitoring", OK, says, "operations")


def rollout(launch: Launch, facts: LaunchFacts) -> GateTold:
    if facts.rollouts:
        return _gate(launch, "roll-out", OK, f"opened step by step: {_listed(facts.rollouts)}", "operations")
    says = "no roll-out is on record for it: it opens for everybody at once, and nothing ends it by itself"
    return _gate(launch, "roll-out", TODO, says, "operations", "adverdict rollout propose")


def freezes(launch: Launch, facts: LaunchFacts) -> GateTold:
    meeting = [one for one in facts.freezes if one[1] <= launch.opens < one[2]]
    if meeting:
        name, _, end = meeting[0]
        says = f"{launch.opens} lies in the freeze {name}"
        return GateTold(name="freezes", status=MISSING, says=says, needs=f"another date, such as {end}", owner="operations", until=None)
    if facts.stopped:
        says = f"brakes are on there: {_listed(facts.stopped)}"
        return GateTold(name="freezes", status=PEOPLE, says=says, needs="adverdict brake off, once it has passed", owner="operations")
    return GateTold(name="freezes", status=OK, says="no freeze and no brake in its way", owner="operations")


Gate = Callable[[Launch, LaunchFacts], GateTold]
GATES: tuple[Gate, ...] = (policies, certificates, languages, people, golden, audits, reasons, monitoring, rollout, freezes)


def _falls_short(week: PeopleWeek, target: float) -> bool:
    return week.needed > week.rostered + 1e-6 if week.met is None else week.met < target


def _surely_short(week: PeopleWeek, target: float) -> bool:
    """Whether more than chance says so. Of the few weeks that are simulated one more or less is luck, unless fewer people are on the roster
    than are needed."""
    by_luck = week.met_high is not None and week.met_high >= target and week.needed <= week.rostered + 1e-6
    return _falls_short(week, target) and not by_luck


def _gate(
    launch: Launch, name: str, status: GateStatus, says: str, owner: str, needs: str | None = None, cost: str | None = None
) -> GateTold:
    until: date | None = None
    if status is not OK and name in LEAD:
        until = launch.opens - timedelta(days=LEAD[name])
    return GateTold(name=name, status=status, says=says, needs=needs, owner=owner, until=until, cost=cost)


def _labels(found: Sequence[PolicyReady]) -> str:
    """How many labels would do: one sample is asked about all policies, so the most that any of them needs."""
    known = [one.labels_needed for one in found if one.labels_needed is not None]
    least = [math.ceil(math.log(1 - one.confidence) / math.log(1 - one.max_leakage)) for one in found if 0 < one.max_leakage < 1]
    if known:
        return f"about {roughly(max(known))} labels, each of another advertiser"
    return f"at least {max(least):,} labels, each of another advertiser, if none of them violates" if least else "labels"


def _names(found: Sequence[PolicyReady]) -> list[str]:
    return list(dict.fromkeys(one.policy for one in found))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
