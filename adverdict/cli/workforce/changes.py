"""What the options of ``scenario`` and ``plan save`` change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from adverdict.domain.verdict import Verdict
    from adverdict.ledger.store import Ledger
    from adverdict.workforce.change import Change
    from adverdict.workforce.effects import Shares
    from adverdict.workforce.outlook import Known

Rollout = Annotated[str | None, typer.Option("--rollout", metavar="ID", help="What it does, by its shadow or by past ads.")]
Share = Annotated[float, typer.Option("--share", min=0.01, max=1.0, help="Of advertisers that --rollout decides for.")]
Policies = Annotated[Path | None, typer.Option("--policies", help="Another folder of policy files, tried on past ads.")]
Rescoring = Annotated[
    str | None, typer.Option("--rescoring", metavar="OUT", help="Reviews that applying it opens; with --launch, that market's ads.")
]
Launching = Annotated[str | None, typer.Option("--launch", metavar="MARKET", help="A market that is to open.")]
Like = Annotated[str | None, typer.Option("--like", metavar="M1,M2", help="Markets it will be like.")]
AdsPerDay = Annotated[float | None, typer.Option("--ads-per-day", help="Of the new market, once it has grown up.")]
Absence = Annotated[float, typer.Option("--absence", min=0.0, max=0.9, help="Share of paid hours that people are away besides.")]
Reviews = Annotated[list[str] | None, typer.Option("--reviews", metavar="SE=1.2", help="Times as many reviews there. Repeat.")]
Days = Annotated[int, typer.Option("--days", min=1, max=90, help="Days of past ads that --policies or --rollout is tried on.")]


@dataclass(frozen=True)
class Asked:
    """As the options say it."""

    rollout: str | None
    share: float
    policies: Path | None
    rescoring: str | None
    launch: str | None
    like: str | None
    ads_per_day: float | None
    absence: float
    reviews: list[str] | None
    days: int

    def change(self, ledger: Ledger, known: Known) -> Change | None:
        """None where nothing is asked. Raises InvalidSettings where more than one change is."""
        from dataclasses import replace

        from adverdict.domain.errors import InvalidSettings, Mistake

        alone = None if self.launch else self.rescoring  # with --launch it says what becomes of the new market's ads
        options = {"rollout": self.rollout, "policies": self.policies, "rescoring": alone, "launch": self.launch, "reviews": self.reviews}
        asked = [f"--{name}" for name, value in options.items() if value]
        if len(asked) > 1:
            raise InvalidSettings("one change at a time:", [Mistake("change", " ".join(asked), EXPECTED)])
        if not (asked or self.absence):
            return None
        return replace(self._one(ledger, known, alone), absence=self.absence)

    def _one(self, ledger: Ledger, known: Known, rescoring: str | None) -> Change:
        from adverdict.workforce.scenario import launch_of

        if self.rollout:
            return _rollout(ledger, known, self.rollout, self.share, self.days)
        if self.policies:
            return _policies(ledger, known, self.policies, self.days)
        if rescoring:
            return _rescoring(ledger, rescoring)
        if self.launch:
            decided = _decided(ledger, self.rescoring, self.launch) if self.rescoring else None
            named = tuple(one.strip() for one in (self.like or "").split(",") if one.strip())
            launch = launch_of(known.history, self.launch, named, self.ads_per_day, decided)
            return _named(f"{self.launch} opens", launch=launch)
        return _reviews(known, self.reviews) if self.reviews else _named(f"{self.absence:.0%} more absence")


EXPECTED = "one of --rollout, --policies, --rescoring, --launch, --reviews, and --absence with any or alone"


def _named(name: str, **parts: object) -> Change:
    from adverdict.workforce.change import Change

    return Change(name, **parts)  # type: ignore[arg-type]  # fields of it


def _reviews(known: Known, told: list[str]) -> Change:
    """Raises InvalidInput with every mistake, what is no number among them."""
    from adverdict.domain.errors import InvalidInput, Mistake
    from adverdict.workforce.scenario import of_reviews

    found, wrong = dict[str, float](), []
    for one in told:
        market, _, factor = one.partition("=")
        try:
            found[market] = float(factor)
        except ValueError:
            wrong.append(Mistake("reviews", one, "a market and how many times as many reviews, such as SE=1.2"))
    try:
        change = of_reviews(known.history, found)
    except InvalidInput as refused:
        wrong += refused.mistakes
    if wrong:
        raise InvalidInput("the change cannot be planned:", wrong)
    return change


def _policies(ledger: Ledger, known: Known, folder: Path, days: int) -> Change:
    """Both folders on the risks of ads on record."""
    import os
    from datetime import UTC, datetime, time, timedelta

    from adverdict.decisions.files.read import read_policies
    from adverdict.domain.settings import read_settings
    from adverdict.ledger.store import now
    from adverdict.review.period import Period
    from adverdict.workforce.effects import change_of
    from adverdict.workforce.redecided import Rules, shares
    from adverdict.workforce.returns import returns

    end = datetime.combine(known.history.end, time(), UTC)
    period = Period(end - timedelta(days=days), now())
    found = shares(ledger, period, Rules(read_policies(read_settings(os.environ).policies)), Rules(read_policies(folder)))
    _say_shares(found, "past ads")
    back = returns(ledger, known.history)
    return change_of(f"policies of {folder}", found, rejected_by_people=back.rejected_by_people, come_back=back.come_back)


def _rollout(ledger: Ledger, known: Known, rollout_id: str, share: float, days: int) -> Change:
    """Of the candidate, for a share of the advertisers."""
    from adverdict.cli.tables import say
    from adverdict.ledger.in_force.rollouts import rollouts_now
    from adverdict.workforce.effects import partly
    from adverdict.workforce.trial import of_rollout

    change, tried = of_rollout(ledger, known.history, known.practice, rollouts_now(ledger)[rollout_id], days)
    _say_shares(tried.shares, "ads that came since its shadow began" if tried.shadow else "past ads")
    taken = f"took {tried.seconds:.2f} times as long as others" if tried.seconds != 1 else "say too little of how long such ads take"
    say(f"the {tried.read:,} readings of ads that it decides otherwise {taken}")
    return partly(change, share)


def _say_shares(found: Sequence[Shares], which: str) -> None:
    from adverdict.cli.tables import say

    for one in found:
        say(
            f"{one.market}: of {one.ads:,} {which} {one.reviewed_before:,} went to people, {one.reviewed_after:,} would; "
            f"{one.rejected_before:,} were rejected automatically, {one.rejected_after:,} would be"
        )


def _decided(ledger: Ledger, out: str, market: str) -> dict[Verdict, int]:
    """What became of a new market's ads, none of which is on record, in a rescoring of them."""
    from collections import Counter

    from adverdict.rescoring.diff.diff import diff
    from adverdict.rescoring.diff.record import LedgerRecord
    from adverdict.rescoring.folder.manifest import RunFolder
    from adverdict.workforce.handling import HandlingTimes

    found = diff(RunFolder.open(out), LedgerRecord.now(ledger), HandlingTimes())
    counted = Counter[Verdict]()
    for one in found.unrecorded:
        if one.market == market:
            counted[one.verdict] += one.ads
    return dict(counted)


def _rescoring(ledger: Ledger, out: str) -> Change:
    """What applying would open, also of ads not on record yet."""
    from adverdict.rescoring.diff.diff import diff
    from adverdict.rescoring.diff.record import LedgerRecord
    from adverdict.rescoring.folder.manifest import RunFolder
    from adverdict.workforce.change import Change
    from adverdict.workforce.handling import HandlingTimes
    from adverdict.workforce.volume.history import Queue

    found = diff(RunFolder.open(out), LedgerRecord.now(ledger), HandlingTimes())
    once = {Queue(one.market, "review"): float(one.opened + one.first - one.closed) for one in found.reviews}
    return Change(f"rescoring {found.run.run_id} applied", once={queue: max(0.0, tasks) for queue, tasks in once.items()})
