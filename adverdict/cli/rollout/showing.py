"""How roll-outs stand, and when nothing advances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json
from adverdict.cli.tables import say, table

if TYPE_CHECKING:
    from adverdict.ledger.in_force.rollouts import Rollout
    from adverdict.rollout.stages.watch import Watched


def list_command() -> None:
    """Roll-outs on record, the last first."""
    with door() as settings:
        from adverdict.domain.formats import moment
        from adverdict.ledger.in_force.rollouts import rollouts_now

        with ledger_of(settings) as ledger:
            told = rollouts_now(ledger)
        if told.put:
            at, put = told.put[-1]
            say(f"policies {put.policies[:12]} are in force since {moment(at)}, by {put.by}: {put.why}")
        rows = [
            [
                one.rollout_id,
                _state(one),
                ", ".join(one.proposal.markets) or "all",
                moment(one.proposed_at),
                one.proposal.by,
                one.proposal.why,
            ]
            for one in reversed(list(told.by_id.values()))
        ]
        if rows:
            table(["rollout", "state", "markets", "proposed", "by", "why"], rows)
        else:
            say("no roll-out is on record")


def show_command(
    rollout: Annotated[str | None, typer.Argument(metavar="ROLLOUT", help="The one under way otherwise.")] = None, json: Json = None
) -> None:
    """What a roll-out changes, where it is, what its guards say, and what is in the way of its next stage."""
    with door() as settings:
        from adverdict.cli.console import write_json
        from adverdict.domain.errors import NotFound
        from adverdict.ledger.in_force.rollouts import rollouts_now
        from adverdict.ledger.store import now
        from adverdict.rollout.stages.freezes import read_freezes
        from adverdict.rollout.stages.watch import look

        with ledger_of(settings) as ledger:
            told = rollouts_now(ledger)
            if rollout is None and not told.on:
                raise NotFound("no roll-out is under way: 'adverdict rollout list' shows those on record")
            one = told.on[0] if rollout is None else told[rollout]
            seen = look(ledger, one, now(), freezes=read_freezes(settings.freezes))
        _say(seen)
        if json:
            write_json(json, to_json(seen))


def evidence_command(
    rollout: Annotated[str, typer.Argument(metavar="ROLLOUT", help="As 'adverdict rollout list' shows it.")],
    at: Annotated[int | None, typer.Option("--at", min=1, help="Seq of an entry: as of it. Now otherwise.")] = None,
    json: Json = None,
) -> None:
    """What the guards said as of an entry, computed again from the ledger."""
    with door() as settings:
        from adverdict.cli.console import write_json
        from adverdict.ledger.in_force.rollouts import rollouts_now
        from adverdict.ledger.store import now
        from adverdict.rollout.stages.watch import look

        with ledger_of(settings) as ledger:
            seen = look(ledger, rollouts_now(ledger)[rollout], now(), until=at)
        _say_guards(seen)
        if json:
            write_json(json, seen.told())


def freezes_command() -> None:
    """The windows in which nothing advances."""
    with door() as settings:
        from adverdict.domain.formats import moment
        from adverdict.rollout.stages.freezes import read_freezes

        found = read_freezes(settings.freezes)
        if not found:
            say("nothing is frozen: ADVERDICT_FREEZES names no windows")
        for one in found:
            say(f"{one.name}: {moment(one.since)} to {moment(one.until)}, {', '.join(one.markets) or 'all markets'}")


def frozen_command(
    at: Annotated[str | None, typer.Option("--at", help="A moment, such as 2026-11-27T12:00Z; now otherwise.")] = None,
    market: Annotated[list[str] | None, typer.Option("--market", help="Of a roll-out there; all markets otherwise.")] = None,
) -> None:
    """Say whether a roll-out could advance then."""
    with door() as settings:
        from adverdict.cli.moments import moment as read_moment
        from adverdict.domain.formats import moment
        from adverdict.ledger.store import now
        from adverdict.rollout.stages.freezes import frozen, read_freezes

        when = read_moment("--at", at) or now()
        hold = frozen(read_freezes(settings.freezes), when, market or [])
        say(f"nothing advances then: {hold.name}, until {moment(hold.until)}" if hold else "nothing is frozen then")


def to_json(seen: Watched) -> dict[str, object]:
    one = seen.rollout
    return {
        "rollout": one.rollout_id,
        "state": one.state,
        "stage": one.stage.name if one.stage else None,
        "until": one.until.isoformat() if one.until else None,
        "paused": one.paused is not None,
        "proposal": one.proposal.model_dump(mode="json", exclude={"salt"}),
        "signed": [signed.model_dump(mode="json") for _, signed in one.signed],
        "waits_for": list(seen.waits_for),
        **seen.told(),
    }


def _state(one: Rollout) -> str:
    return f"{one.state}: {one.stage.name}" if one.on and one.stage else one.state


def _say(seen: Watched) -> None:
    from adverdict.domain.formats import moment

    one, proposal = seen.rollout, seen.rollout.proposal
    say(f"{one.rollout_id}: {_state(one)}, proposed by {proposal.by}: {proposal.why}")
    for line in proposal.difference:
        say(f"  {line}")
    for at, signed in one.signed:
        say(f"  {moment(at)} {signed.by} {'agrees' if signed.agrees else 'does not agree'} for {signed.role}: {signed.note}")
    for at, entered in one.entered:
        say(f"  {moment(at)} {entered.name}, by {entered.by}: {entered.why}")
    if one.aborted:
        at, aborted = one.aborted
        say(f"  {moment(at)} aborted by {aborted.by}: {aborted.why}")
    if one.until and one.on:
        say(f"  the candidate decides until {moment(one.until)} unless the watcher renews that")
    _say_shadow(seen)
    _say_guards(seen)
    if one.on:
        for line in seen.waits_for or ("nothing: the watcher enters the next stage",):
            say(f"  in the way of the next stage: {line}")


def _say_shadow(seen: Watched) -> None:
    if seen.shadow is None or seen.shown is None:
        return
    told, shown = seen.shadow, seen.shown
    say(f"  beside what decides: {told.same.total():,} ads alike, {len(told.differ):,} otherwise, {told.left_out.total():,} left out")
    for (before, after), count in sorted(told.kinds.items()):
        say(f"    {count:,} {before} -> {after}")
    wrong = f"the candidate was wrong for {shown.candidate_wrong:,} advertisers, what decides for {shown.control_wrong:,}"
    say(f"    {shown.read:,} were read: {wrong} ({shown.said})")


def _say_guards(seen: Watched) -> None:
    from adverdict.rollout.stages.watch import sentence

    for look in seen.looks:
        state = "ends it" if look.ends else "shown to be kept" if look.clears else "cannot tell"
        say(f"  {look.guard.name}: {sentence(look)} (evidence {look.against:.3g} of {look.bar:.0f}; {state})")
