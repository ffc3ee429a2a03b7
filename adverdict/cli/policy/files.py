"""Commands about policy files: policy check, show, diff."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.console import Bars, err, out, write_json
from adverdict.cli.door import door
from adverdict.cli.options import Certificates, Json, PolicyFiles
from adverdict.domain.spreadsheet import inert
from adverdict.storage.whole import replacing_text

if TYPE_CHECKING:
    from adverdict.decisions.files.difference import Difference
    from adverdict.decisions.files.read import PolicyFolder
    from adverdict.decisions.files.show import InUse, Place
    from adverdict.domain.settings import Settings
    from adverdict.rollout.whatif import WhatIf

COLUMNS = ("ad_id", "market", "surface", "before", "after", "policy", "because")


def check_command(folder: Annotated[Path | None, typer.Argument(help="Folder of policy files; those in use otherwise.")] = None) -> None:
    """Report every mistake in a folder of policy files, with file and line."""
    with door(policies=folder) as settings:
        from adverdict.decisions.files.read import read_folder
        from adverdict.domain.formats import counted

        book = read_folder(settings.policies).book
        where = settings.policies or "the policies that come with Adverdict"
        holds = f"{counted(len(book.markets), 'market')} ({', '.join(book.markets)}), {counted(len(book.names), 'policy', 'policies')}"
        out.print(f"{where}: {holds}, hash {book.hash[:16]}")


def show_command(
    market: Annotated[str, typer.Option("--market", help="Country code, such as SE.")],
    surface: Annotated[str | None, typer.Option("--surface", help="Such as feed; the general rules otherwise.")] = None,
    policy: Annotated[list[str] | None, typer.Option("--policy", help="Only this policy. Repeat for several.")] = None,
    policy_files: PolicyFiles = None,
    model: Annotated[str | None, typer.Option("--model", help="Also show the thresholds this model decides by.")] = None,
    certificates: Certificates = None,
    json: Json = None,
) -> None:
    """Say what is in force in a market, and in which file and line each value is written."""
    with door(policies=policy_files, certificates=certificates) as settings:
        from adverdict.cli.policy.tables import print_place
        from adverdict.decisions.files.read import read_folder
        from adverdict.decisions.files.show import show as look

        read = read_folder(settings.policies)
        _known(read, market, policy or [])
        place = look(read, market, surface)
        if not place.named:
            _warn_of_surface(read, place)
        used = _thresholds(read, place, model, settings) if model else {}
        print_place(place, policy or [], used)
        if json:
            write_json(json, _place_json(place, policy or [], used, read.book.hash))


def diff_command(
    before: Annotated[Path, typer.Argument(metavar="A", help="Folder of policy files as they are.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Folder of policy files as they would be.")],
    model: Annotated[str | None, typer.Option("--model", help="Score ads once with this model and decide them by both folders.")] = None,
    certificates: Certificates = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Those ads: a folder with ads.* and labels.*. Repeat for several.")
    ] = None,
    json: Json = None,
    table: Annotated[Path | None, typer.Option("--out", help="Write every ad whose verdict changes here, as CSV.")] = None,
) -> None:
    """Say in words what changes between two folders of policy files, and on ads, which verdicts."""
    with door(certificates=certificates) as settings:
        from adverdict.cli.policy.tables import print_difference, print_what_if
        from adverdict.decisions.files.difference import difference
        from adverdict.decisions.files.read import read_folder

        _together(model, data or [], table)
        old, new = read_folder(before), read_folder(after)
        changes = difference(old, new)
        print_difference(changes)
        result = _on_ads(model, settings, data or [], old, new) if model else None
        if result:
            print_what_if(result)
        if result and table:
            write_flips(table, result)
        if json:
            hashes = {"before": old.book.hash, "after": new.book.hash}
            write_json(json, {"hash": hashes, **_difference_json(changes), "ads": result.to_json() if result else None})


def _known(read: PolicyFolder, market: str, policies: Sequence[str]) -> None:
    from adverdict.decisions.files.fields import one_of
    from adverdict.domain.errors import InvalidSettings, Mistake

    book = read.book
    mistakes = [] if book.knows(market) else [Mistake("--market", market, f"a market with a file: {one_of(book.markets, market)}")]
    mistakes += [
        Mistake("--policy", name, f"a policy that default.yaml defines: {one_of(book.names, name)}")
        for name in policies
        if name not in book.names
    ]
    if mistakes:
        raise InvalidSettings("nothing to show", mistakes)


def _warn_of_surface(read: PolicyFolder, place: Place) -> None:
    from adverdict.decisions.files.fields import one_of

    named = sorted(read.settled[place.market].by_surface)
    known = f"; they name {one_of(named, place.surface).removeprefix('one of ')}" if named else ""
    err.print(
        f"warning: the files of {place.market} do not name the surface {place.surface}, so the general rules hold there{known}",
        style="yellow",
        markup=False,
    )


def _thresholds(read: PolicyFolder, place: Place, model: str, settings: Settings) -> dict[str, InUse]:
    from adverdict.decisions.files.show import thresholds_in_use
    from adverdict.models.opening import open_model

    solved, now = open_model(model, settings, read.book.hash).thresholds, datetime.now(UTC)
    in_force = read.book.in_force(place.market, place.surface)
    return {policy.name: thresholds_in_use(policy, place.market, solved, now) for policy in in_force}


def _together(model: str | None, data: Sequence[Path], table: Path | None) -> None:
    from adverdict.domain.errors import InvalidSettings, Mistake

    mistakes = [Mistake("--data", "(none)", "labelled ads, because --model is given")] if model and not data else []
    mistakes += [Mistake("--model", "(none)", "a model to score them with, because --data is given")] if data and not model else []
    mistakes += (
        [Mistake("--out", str(table), "--model and --data: without ads there is no verdict to write")] if table and not model else []
    )
    if mistakes:
        raise InvalidSettings("the ads need a model, and the model ads", mistakes)


def _on_ads(model: str, settings: Settings, data: Sequence[Path], old: PolicyFolder, new: PolicyFolder) -> WhatIf:
    from adverdict.decisions.thresholds import SolvedThresholds
    from adverdict.models.opening import open_model
    from adverdict.rollout.whatif import what_if_on_packs
    from adverdict.storage.tables.pack import read_pack

    bundle = open_model(model, settings, old.book.hash)
    solved = open_model(model, settings, new.book.hash).thresholds  # each by its own, and those of other targets are another question
    bundle = replace(bundle, thresholds=SolvedThresholds({**solved.points, **bundle.thresholds.points}))
    packs = [read_pack(folder) for folder in data]
    with Bars() as bars:
        return what_if_on_packs(bundle, packs, old.book, new.book, datetime.now(UTC), bars)


def write_flips(path: Path, result: WhatIf) -> None:
    """Every ad with another verdict, for a spreadsheet. Written whole or not at all."""
    with replacing_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for flip in result.flips:
            cells = (flip.ad_id, flip.market, flip.surface or "", flip.before, flip.after, "; ".join(flip.policies), flip.because)
            writer.writerow([inert(cell) for cell in cells])
    out.print(f"{len(result.flips)} changed verdicts written to {path}", markup=False, highlight=False)


def _place_json(place: Place, policies: Sequence[str], used: Mapping[str, InUse], digest: str) -> dict[str, Any]:
    from adverdict.decisions.files.show import plain

    shown = {item.policy: item for item in place.policies if not policies or item.policy in policies}
    return {
        "market": place.market,
        "surface": place.surface,
        "hash": digest,
        "in_force": {
            name: {value.key: {"value": plain(value.value), "where": value.where} for value in item.values}
            | ({"thresholds_in_use": _in_use_json(used[name])} if name in used else {})
            for name, item in shown.items()
            if item.values
        },
        "not_in_force": {
            name: {"surfaces": plain(item.only_on.value), "where": item.only_on.where} for name, item in shown.items() if item.only_on
        },
        "surfaces_that_differ": {
            surface: {name: list(keys) for name, keys in found.items() if name in shown} for surface, found in place.differing.items()
        },
    }


def _in_use_json(used: InUse) -> dict[str, Any]:
    thresholds = used.thresholds
    return {
        "words": used.words,
        "approve_below": thresholds.approve_below if thresholds else None,
        "reject_at": thresholds.reject_at if thresholds else None,
        "certificate_id": thresholds.certificate_id if thresholds else None,
        "expires_at": thresholds.expires_at.isoformat() if thresholds and thresholds.expires_at else None,
    }


def _difference_json(difference: Difference) -> dict[str, Any]:
    from adverdict.decisions.files.show import plain

    return {
        "presences": [{"kind": item.kind, "name": item.name, "added": item.added, "detail": item.detail} for item in difference.presences],
        "changes": [
            {
                "policy": change.policy,
                "key": change.key,
                "before": {"value": plain(change.before.value), "where": change.before.where},
                "after": {"value": plain(change.after.value), "where": change.after.where},
                "scope": change.scope,
                "places": [{"market": market, "surface": surface} for market, surface in change.places],
            }
            for change in difference.changes
        ],
    }
