"""Commands about ads: simulate, score, explain."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adverdict.cli.console import Bars, out, printable
from adverdict.cli.door import door
from adverdict.cli.options import Certificates, Model, PolicyFiles, Seed
from adverdict.cli.reading import reads
from adverdict.cli.tables import say_unmatched

if TYPE_CHECKING:
    from adverdict.domain.decision import Decision
    from adverdict.domain.settings import Settings

SHARD = 256
COLOURS = {"approve": "green", "review": "yellow", "reject": "red"}


def simulate(
    ads: Annotated[int, typer.Option("--ads", min=1, help="How many ads.")] = 20_000,
    each: Annotated[float, typer.Option("--ads-per-advertiser", min=1, help="Ads an advertiser has on average.")] = 14.0,
    days: Annotated[int, typer.Option("--days", min=120, max=3650, help="Days over which they are submitted.")] = 120,
    seed: Seed = 7,
    folder: Annotated[Path, typer.Option("--out", help="Folder to write; must not exist.")] = Path("var/marketplace"),
) -> None:
    """Write a simulated marketplace: ads, labels, and their truth kept apart."""
    with door():
        from adverdict.simulation import write_marketplace

        with Bars() as bars:
            bars.stage("simulating ads", ads)
            written = write_marketplace(folder, ads, seed, bars, each, days)
        out.print(
            f"wrote {written.ads} simulated ads and {written.labels} labels to {folder}; their truth lies apart, in {folder / 'truth'}"
        )


@reads("ads")
def score(
    ads: Annotated[Path, typer.Option("--ads", help="A table of ads, or a folder that holds one.")],
    target: Annotated[Path, typer.Option("--out", help="Decisions, one JSON document a line, in the order of the ads.")],
    model: Model = None,
    policy_files: PolicyFiles = None,
    certificates: Certificates = None,
    explain: Annotated[
        Literal["all", "stopped", "none"],
        typer.Option(
            "--explain", help="Which decisions carry reasons, which take longer than deciding: all, stopped (not approved), none."
        ),
    ] = "stopped",
) -> None:
    """Decide a table of ads as the service would."""
    with door(model=model, policies=policy_files, certificates=certificates) as settings:
        from collections import Counter

        from adverdict.scoring.bootstrap import bootstrap
        from adverdict.scoring.scorer import Scorer
        from adverdict.storage.tables.pack import iter_ads
        from adverdict.storage.whole import replacing_text

        scorer = Scorer.of(bootstrap(settings), by_files=policy_files is not None)
        if scorer.model:
            say_unmatched(scorer.book, scorer.model.policies)
        counted: Counter[str] = Counter()
        with Bars() as bars, replacing_text(target) as file:
            bars.stage("deciding", 0)
            for some in iter_ads(ads, SHARD):
                for decision in scorer.score(some, explain=explain):
                    file.write(decision.model_dump_json() + "\n")
                    counted[decision.verdict] += 1
                bars.advance(len(some))
        total = sum(counted.values())
        out.print(f"{total} ads decided: " + ", ".join(f"{counted[verdict]} {verdict}" for verdict in COLOURS) + f"; written to {target}")


def explain(
    source: Annotated[Path | None, typer.Option("--ad", help="A JSON file with one ad; - for standard input.")] = None,
    decision: Annotated[
        str | None, typer.Option("--decision", metavar="ID", help="Instead: a decision on record, by the model and the history it knew.")
    ] = None,
    bundle: Annotated[
        list[Path] | None,
        typer.Option("--bundle", help="With --decision: a bundle's folder, beside those downloaded and registered. Repeat."),
    ] = None,
    model: Model = None,
    policy_files: PolicyFiles = None,
    certificates: Certificates = None,
) -> None:
    """Decide one ad and say why; or say why a decision on record is what it is."""
    with door(model=model, policies=policy_files, certificates=certificates) as settings:
        if (source is None) == (decision is None):
            from adverdict.domain.errors import InvalidSettings, Mistake

            given = "both" if source else None
            raise InvalidSettings(
                "nothing to explain", [Mistake("--ad, --decision", given, "one of them: an ad's file, or a decision's id")]
            )
        if source is None:
            _explain_recorded(settings, str(decision), bundle or [])
            return
        from adverdict.domain.ad import Ad
        from adverdict.domain.errors import InvalidInput, NotFound
        from adverdict.domain.json_text import parse
        from adverdict.scoring.bootstrap import bootstrap
        from adverdict.scoring.scorer import Scorer
        from adverdict.serving.http.bodies import read_ad
        from adverdict.storage.tables.told import DataWarning, read_as_missing, required

        if str(source) != "-" and not source.is_file():
            raise NotFound(f"no such file: {source}")
        raw = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
        try:
            ad = read_ad(raw)
        except InvalidInput as error:
            raise InvalidInput(f"{source} is not an ad", error.mistakes) from error
        for name, word in read_as_missing([parse(raw)], required(Ad)):
            warnings.warn(f"{source}: {name!r} says {word}: read as missing", DataWarning, stacklevel=1)
        show(Scorer.of(bootstrap(settings), by_files=policy_files is not None).score([ad])[0])


def _explain_recorded(settings: Settings, decision_id: str, bundles: list[Path]) -> None:
    from adverdict.cli.door import ledger_of
    from adverdict.models.opening import find_version
    from adverdict.scoring.opened import open_bundle
    from adverdict.scoring.replay import compare, decided_again

    folder_of = find_version(bundles, settings)
    with ledger_of(settings) as ledger:
        recorded, again = decided_again(ledger, lambda version: open_bundle(folder_of(version)), decision_id)
    show(recorded.model_copy(update={"reasons": again.reasons}))
    differing = compare(recorded, again.model_copy(update={"reasons": recorded.reasons}), 0)
    if differing:
        names = ", ".join(one.field for one in differing[:5])
        out.print(f"  decided again it differs in {names}: see adverdict ledger replay --decision {decision_id}", style="yellow")


def show(decision: Decision) -> None:
    """A decision as a person reads it."""
    from rich.table import Table

    verdict = f"[bold {COLOURS[decision.verdict]}]{decision.verdict.upper()}[/]"
    out.print(
        f"{verdict}  {_said(decision.ad_id)} in {decision.market}" + ("  [dim]uncertified thresholds[/]" if decision.uncertified else "")
    )
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("policy", "risk", "90 %", "verdict", "because"):
        table.add_column(column)
    for ruling in sorted(decision.policies, key=lambda ruling: -(ruling.risk.p if ruling.risk else 1.0)):
        risk = (f"{ruling.risk.p:.3f}", f"{ruling.risk.p_low:.3f}–{ruling.risk.p_high:.3f}") if ruling.risk else ("–", "–")
        table.add_row(ruling.policy, *risk, f"[{COLOURS[ruling.verdict]}]{ruling.verdict}[/]", _said(ruling.because))
    out.print(table)
    for reason in decision.reasons:
        out.print(f"  [dim]{reason.policy:<16}[/] {reason.effect:+.2f}  {_said(reason.text)}", highlight=False)
    if decision.degraded:
        out.print(f"  degraded: {_said(', '.join(decision.degraded))}", style="yellow")


def _said(text: str) -> str:
    """Strangers' text among markup."""
    from rich.markup import escape

    return escape(printable(text))
