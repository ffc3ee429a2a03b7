"""A plan beside what a change makes of it: tasks, hours, people and waits by week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite

from adverdict.decisions.files.countries import COUNTRIES
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.progress import SILENT, Progress
from adverdict.domain.verdict import Verdict
from adverdict.review.tasks.tasks import RoutingKey
from adverdict.workforce.change import Change, Launch
from adverdict.workforce.effects import partly
from adverdict.workforce.forecast.forecast import forecast
from adverdict.workforce.heads.odds import Odds
from adverdict.workforce.heads.when import mostly
from adverdict.workforce.operations.rules import Targets
from adverdict.workforce.outlook import Known, Outlook, Week, outlook
from adverdict.workforce.volume.history import History, Queue

FEWEST_REVIEWED = 30
"""Ads of a new market, decided beforehand, that went to people, without which their share says less than that of the markets it is like."""

MOST_TIMES = 100
"""As many reviews: more is a slip of the pen."""

MANY_TIMES = 5
"""As many ads as the largest market it is like: from there on a launch is told how many."""


@dataclass(frozen=True)
class Beside:
    """One week, without the change and with it."""

    start: date
    before: Week
    after: Week

    @property
    def tasks(self) -> float:
        return self.after.tasks - self.before.tasks

    @property
    def hours(self) -> float:
        return self.after.hours - self.before.hours

    @property
    def fte(self) -> float:
        return self.after.staffing.fte - self.before.staffing.fte


@dataclass(frozen=True)
class Scenario:
    before: Outlook
    after: Outlook

    @property
    def weeks(self) -> tuple[Beside, ...]:
        return tuple(Beside(one.start, one, two) for one, two in zip(self.before.weeks, self.after.weeks, strict=True))


def scenario(known: Known, weeks: int, change: Change, *, twin: bool = True, progress: Progress = SILENT) -> Scenario:
    """Both from one forecast, so that they differ by the change alone. Raises InvalidInput."""
    told = forecast(known.history, known.operations.events, weeks)
    before = outlook(known, weeks, twin=twin, told=told, progress=progress)
    return Scenario(before, outlook(known, weeks, change, twin=twin, told=told, progress=progress))


def launch_of(
    history: History, market: str, like: Sequence[str], ads_a_day: float | None, decided: Mapping[Verdict, int] | None = None
) -> Launch:
    """``decided``: what became of ads of the market that were decided beforehand. Raises InvalidInput with every mistake."""
    there = sorted({one.market for one in history.series})
    on_record = f"those on record: {', '.join(there)}" if there else "those on record, and none is: the ledger has no submissions yet"
    mistakes = []
    if market not in COUNTRIES:
        mistakes.append(Mistake("launch", market, "an ISO 3166-1 country code such as FI"))
    elif market in there:
        mistakes.append(Mistake("launch", market, f"a market without submissions yet; on record are {', '.join(there)}"))
    if not like:
        mistakes.append(Mistake("like", "", f"markets it will be like, of {on_record}"))
    mistakes += [Mistake("like", one, f"one of {on_record}") for one in like if one not in there]
    if ads_a_day is None or not (ads_a_day > 0 and isfinite(ads_a_day)):
        mistakes.append(Mistake("ads_per_day", ads_a_day, "ads a day once it has grown up, above 0"))
    ads, reviewed = (sum(decided.values()), decided.get(Verdict.REVIEW, 0)) if decided is not None else (0, 0)
    if decided is not None and reviewed < FEWEST_REVIEWED:
        expected = (
            f"at least {FEWEST_REVIEWED} of the market's ads that go to people, or no rescoring: then it is taken to be like the others"
        )
        mistakes.append(Mistake("rescoring", f"{reviewed} of {ads} ads", expected))
    if mistakes or ads_a_day is None:
        raise InvalidInput("the launch cannot be planned:", mistakes)
    return Launch(market, tuple(like), ads_a_day, reviewed / ads if ads else None)


def launch_notes(found: Scenario) -> list[str]:
    """What of a launch is taken from other markets, and may not hold; empty without a launch."""
    launch, made = found.after.change.launch, found.before.forecast
    if launch is None:
        return []
    shapes, notes = found.after.known.shapes, []
    lanes = [lane for queue, shape in shapes.items() if queue.market == launch.market for lane in shape.lanes]
    languages = sorted({lane.language for lane in lanes if lane.language})
    if languages:
        notes.append(
            f"tasks of {launch.market} are planned for people who read {', '.join(languages)}, taken over from {launch.like[0]}: "
            "where its ads are in another language, other people are needed"
        )
    usual = {market: float(made.submissions[[one.market == market for one in made.series]].sum(axis=0).mean()) for market in launch.like}
    market, largest = max(usual.items(), key=lambda one: one[1])
    if largest > 0 and launch.ads_a_day >= MANY_TIMES * largest:
        times = f"{launch.ads_a_day / largest:,.0f} times the {largest:,.0f} a day of {market}"
        notes.append(f"{launch.ads_a_day:,g} ads a day are {times}, the largest market it is taken to be like: it may be like no small one")
    return notes


def of_reviews(history: History, factors: Mapping[str, float]) -> Change:
    """As many times the reviews in each market, with what follows reviews: second readings and what seniors settle. Raises InvalidInput
    with every mistake.
    """
    there = sorted({queue.market for queue in history.queues})
    mistakes = [
        Mistake("reviews", market, f"a market with tasks on record: {', '.join(there)}") for market in factors if market not in there
    ]
    mistakes += [
        Mistake("reviews", f"{market}={factor:g}", f"a factor from 0 to {MOST_TIMES}, such as {market}=1.2")
        for market, factor in factors.items()
        if not 0 <= factor <= MOST_TIMES
    ]
    if mistakes:
        raise InvalidInput("the change cannot be planned:", mistakes)
    tasks = {Queue(market, kind): factor for market, factor in factors.items() for kind in ("review", "double", "senior")}
    words = ", ".join(f"{market} x {factor:g}" for market, factor in factors.items())
    return Change(f"reviews {words}", tasks=tasks)


def stage_refusal(known: Known, change: Change, share: float, weeks: int = 2) -> str | None:
    """Why people cannot carry a change for a share of the advertisers in the coming weeks; None where they can, or nobody is rostered.

    ``change`` as ``effects.change_of`` makes it of a shadow or a backtest, ``known`` as ``known.known`` reads it. Raises InvalidInput where
    the history is too short to plan from.
    """
    return refusal(outlook(known, weeks, partly(change, share)))


def refusal(plan: Outlook, *, short: float = 0.0) -> str | None:
    """Why the roster cannot carry an outlook, in a sentence; None where it can. For whoever lets a change go on only when people are there.

    ``short``: full-time people that may be missing all the same.
    """
    found = _first_refused(plan, short)
    return found[1] if found else None


def refusal_beside(found: Scenario) -> str | None:
    """The same with the change, and whether it is so without the change, too."""
    refused = _first_refused(found.after, 0.0)
    if refused is None:
        return None
    number, why = refused
    before, after, targets = found.before.weeks[number], found.after.weeks[number], found.before.known.operations.targets
    if after.odds is None or before.odds is None or _kept(after.odds, targets):
        lanes = [lane for lane, _ in before.staffing.untaken]
        return f"{why}; so it is without the change" if _largest(after.staffing.untaken) in lanes else why
    kept = f"{before.odds.met} of {before.odds.draws}"
    return why if _kept(before.odds, targets) else f"{why}; without the change they are kept in {kept}, too few as well"


def _first_refused(plan: Outlook, short: float) -> tuple[int, str] | None:
    """Number of the first week that the roster cannot carry, and why."""
    if not plan.known.rostered:
        return None
    for number, week in enumerate(plan.weeks):
        staffing, targets = week.staffing, plan.known.operations.targets
        missing = sum(max(0.0, need.fte - need.rostered) for need in staffing.needs)
        if week.odds is not None and not _kept(week.odds, targets) and missing > short:
            return number, (
                f"the week of {week.start.isoformat()} is forecast to have {week.tasks:,.0f} tasks ({week.low:,.0f} to {week.high:,.0f}): "
                f"{_people(week)}, so targets would be kept in {week.odds.met} of {week.odds.draws} simulated weeks, "
                f"fewer than {targets.met:.0%}"
            )
        if staffing.untaken:
            lane, hours = max(staffing.untaken, key=lambda one: one[1])
            return (
                number,
                f"nobody on the roster may take the tasks of {_of(lane)}: {hours:,.1f} hours in the week of {week.start.isoformat()}",
            )
    return None


def _kept(odds: Odds, targets: Targets) -> bool:
    return odds.share >= targets.met


def _people(week: Week) -> str:
    """Whether people are too few, or there at other hours, or with other skills, than they are needed."""
    staffing = week.staffing
    words = f"{staffing.fte:,.1f} full-time people are needed and {staffing.rostered:,.1f} rostered"
    if staffing.fte <= staffing.rostered:
        lacking = [f"{need.shift.team} needs {need.fte:,.1f} and has {need.rostered:,.1f}" for need in staffing.short()[:3]]
        words = f"{words}, enough in all, but not on the right shifts ({', '.join(lacking)})"
    if staffing.late:
        lane, share = staffing.late[0]
        when = mostly(staffing.late_when[lane], week.start)
        words += f", and {share:.0%} of the work of {_of(lane)} comes due while nobody who may take it is there ({when})"
    return words


def _largest(untaken: Sequence[tuple[RoutingKey, float]]) -> RoutingKey | None:
    return max(untaken, key=lambda one: one[1])[0] if untaken else None


def _of(lane: RoutingKey) -> str:
    return f"{lane.market}{f' in {lane.language}' if lane.language else ''}{' (senior)' if lane.senior else ''}"
