"""``adverdict rescore`` itself: what it takes, how far it is, and what it came to."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.progress import BarColumn, TextColumn

from adverdict.cli.console import Bars, err, printable
from adverdict.cli.door import door
from adverdict.cli.options import Certificates, Memory, Model, PolicyFiles
from adverdict.cli.tables import aligned
from adverdict.domain.formats import counted, moment

if TYPE_CHECKING:
    from adverdict.domain.errors import Mistake
    from adverdict.domain.settings import Settings
    from adverdict.rescoring.deciding.run import Options
    from adverdict.rescoring.deciding.summary import Summary
    from adverdict.rescoring.folder.manifest import ShardReport

T = TypeVar("T")

QUARANTINED = 3
"""Exit code: finished, but rows or shards have no new decision."""
EVERY = 10.0
"""Seconds between two lines where there is no terminal."""
VERDICTS = ("approve", "review", "reject")
SHOWN = 20
CAUSES = 5
"""Causes of degraded decisions that are printed."""
ENGINES = ("local", "ray")


def rescore(
    context: typer.Context,
    ads: Annotated[str | None, typer.Option("--ads", metavar="PATH", help="Live ads as Parquet: file, folder, pattern or address.")] = None,
    out: Annotated[str | None, typer.Option("--out", metavar="OUT", help="Folder to write, or an address; must be empty.")] = None,
    model: Model = None,
    engine: Annotated[str, typer.Option("--engine", metavar="local|ray", help="Processes here, or a Ray cluster (RAY_ADDRESS).")] = "local",
    history: Annotated[
        Path | None, typer.Option("--history", help="Folder with ads.* and labels.*: all that is known; the ledger otherwise.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="Look at the ads as if submitted again then; now otherwise.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only ads submitted then or later.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in OUT.")] = False,
    workers: Annotated[int | None, typer.Option("--workers", min=1, max=4096, help="Processes; one a core otherwise.")] = None,
    limit_memory: Memory = None,
    policy_files: PolicyFiles = None,
    certificates: Certificates = None,
    rows_per_shard: Annotated[
        int, typer.Option("--rows-per-shard", min=1, max=1_000_000, help="Ads that are decided, published and resumed as one.")
    ] = 8192,
    reasons: Annotated[
        bool | None,
        typer.Option(
            "--reasons/--no-reasons",
            help="Write why beside every decision that stops an ad, which takes longer than deciding; else it is made when somebody looks.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Decide every live ad again by a model and policies; changes nothing that stands. Then: diff, apply, undo."""
    if context.invoked_subcommand is not None:
        if any(not _usual(context, name) for name in context.params):
            raise typer.BadParameter(f"options of 'rescore' come after '{context.invoked_subcommand}', or belong to it alone")
        return
    from adverdict.cli.console import out as console

    with door(model=model, policies=policy_files, certificates=certificates) as settings:
        from adverdict.cli.moments import moment as read_moment
        from adverdict.domain.errors import InvalidSettings
        from adverdict.rescoring import memory
        from adverdict.rescoring.deciding.run import Options
        from adverdict.rescoring.folder.manifest import own_folder
        from adverdict.storage.places import Place

        mistakes = _unusable(ads, out, engine)
        moment_of = _read(mistakes, lambda: read_moment("--as-of", as_of))
        earliest = _read(mistakes, lambda: read_moment("--since", since))
        limit = _read(mistakes, lambda: None if limit_memory is None else memory.parse(limit_memory))
        if mistakes or ads is None or out is None:
            raise InvalidSettings("nothing was rescored:", mistakes)
        options = Options(
            ads=ads,
            out=out,
            settings=settings,
            by_files=policy_files is not None,
            engine="ray" if engine == "ray" else "local",
            history=history,
            as_of=moment_of,
            since=earliest,
            resume=resume,
            workers=workers,
            limit_memory=limit,
            rows_per_shard=rows_per_shard,
            reasons=reasons,
        )
        summary = _decide(options)
        said = report(summary, own_folder(Place.at(out)), _lacking(settings))
        console.print(said, markup=False, highlight=False)
        if not summary.complete:
            raise typer.Exit(QUARANTINED)


def _usual(context: typer.Context, name: str) -> bool:
    """Whether nobody said anything of this option."""
    source = context.get_parameter_source(name)
    return source is None or source.name in ("DEFAULT", "DEFAULT_MAP")


def _unusable(ads: str | None, out: str | None, engine: str) -> list[Mistake]:
    """What is missing, though only a command below does without it, and an engine that does not exist."""
    from adverdict.domain.errors import Mistake

    wrong = []
    if not ads:
        wrong.append(Mistake("--ads", "(none)", "the live ads as Parquet: a file, folder, pattern or address"))
    if not out:
        wrong.append(Mistake("--out", "(none)", "a folder to write, or an address such as s3://bucket/folder"))
    if engine not in ENGINES:
        wrong.append(Mistake("--engine", engine, f"one of {', '.join(ENGINES)}"))
    return wrong


def _read(mistakes: list[Mistake], read: Callable[[], T]) -> T | None:
    """What ``read`` returns; its mistakes are collected instead of raised."""
    from adverdict.domain.errors import InvalidSettings

    try:
        return read()
    except InvalidSettings as error:
        mistakes += error.mistakes
        return None


def _lacking(settings: Settings) -> str:
    """Why there is no ledger to compare with; nothing where there is one, and where a database does not answer just now."""
    from adverdict.domain.errors import InvalidSettings, NotFound, Unavailable
    from adverdict.scoring.bootstrap import bootstrap

    try:
        bootstrap(settings).ledger().close()
    except (InvalidSettings, NotFound) as error:
        return str(error).partition("\n")[0].rstrip(":")
    except Unavailable:
        return ""
    return ""


def _decide(options: Options) -> Summary:
    """With bars; whoever interrupts it is told how to go on."""
    from adverdict.rescoring.deciding.run import rescore as run

    try:
        with ShardBars() as bars:
            return run(options, bars)
    except KeyboardInterrupt:
        said = f"what is decided stays in {printable(options.out)}; the same command with --resume goes on"
        err.print(said, markup=False, highlight=False, soft_wrap=True)
        raise


class ShardBars(Bars):
    """Implements ``rescoring.deciding.progress.Progress``: beside the bar how fast it goes; off a terminal, a line now and then."""

    def __init__(self) -> None:
        super().__init__(BarColumn(12), TextColumn("{task.fields[told]}"))
        self._pace = Pace(0, 0, 0)
        self._spoke = time.monotonic()

    def deciding(self, shards: int, ads: int, done: int) -> None:
        self.stage("deciding", ads)
        self._pace = Pace(shards, ads, done)
        if done:
            self.say(f"{done:,} of {shards + done:,} shards were decided before and stay")

    def shard(self, report: ShardReport) -> None:
        ads = report.rows + report.quarantined_rows + report.skipped
        self._pace.add(ads, report.texts, report.encoded)
        self.advance(ads)
        self.tell(self._pace.brief())
        if not err.is_terminal and time.monotonic() - self._spoke >= EVERY:
            self._spoke = time.monotonic()
            err.print(f"    {self._pace.told()}{self._pace.left()}", highlight=False, markup=False)
        if report.reason is not None:
            self.say(f"{report.shard} is quarantined: {' '.join(report.reason.split())}")

    def say(self, sentence: str) -> None:
        err.print(printable(sentence), highlight=False, markup=False, style="yellow")


@dataclass
class Pace:
    """How fast the shards are decided."""

    shards: int
    ads: int
    before: int
    done: int = 0
    decided: int = 0
    texts: int = 0
    encoded: int = 0

    def __post_init__(self) -> None:
        self.begun = time.monotonic()

    def add(self, ads: int, texts: int, encoded: int) -> None:
        self.done += 1
        self.decided += ads
        self.texts += texts
        self.encoded += encoded

    @property
    def rate(self) -> float:
        """Ads a second."""
        return self.decided / max(time.monotonic() - self.begun, 1e-9)

    def brief(self) -> str:
        """Beside a bar."""
        read = f", encoder {self.encoded / self.texts:.0%}" if self.texts else ""
        return f"{self.done:,}/{self.shards:,} shards, {self.rate:,.0f} ads/s{read}"

    def told(self) -> str:
        read = f", encoder read {self.encoded / self.texts:.0%}" if self.texts else ""
        return f"{self.done:,}/{self.shards:,} shards, {self.decided:,}/{self.ads:,} ads, {self.rate:,.0f} ads/s{read}"

    def left(self) -> str:
        """Nothing while no ad was decided: a shard that cannot be read says nothing of the others."""
        if not self.decided:
            return ""
        seconds = (self.ads - self.decided) / self.rate
        return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"


def report(summary: Summary, own: str = "_adverdict", lacking: str = "") -> str:
    """A summary as a person reads it: what was decided, what was not, and what to do next. ``own``: the run's own folder, in OUT;
    ``lacking``: why there is no ledger, which says what stands.
    """
    until = f" submitted since {moment(summary.since)}" if summary.since else ""
    lines = [
        f"{counted(summary.ads, 'ad')}{until} decided as of {moment(summary.as_of)} by bundle {summary.bundle_version}",
        "",
        *_markets(summary),
        "",
        *_effort(summary),
        *_undecided(summary, own),
    ]
    if summary.as_of > summary.finished_at:
        lines.append("warning: as of a moment that has not come: what happens until then is not known")
    if summary.twice.ads:
        some = ", ".join(summary.twice.examples[:3])
        stand = "1 id stands" if summary.twice.ads == 1 else f"{summary.twice.ads:,} ids stand"
        lines.append(f"warning: {stand} in {summary.twice.rows:,} rows, such as {some}: decided each by itself")
    lines += ["", *_next(summary, lacking)]
    return printable("\n".join(lines), keep="\n\u200c\u200d")


def _next(summary: Summary, lacking: str) -> list[str]:
    """What can be asked of a run that is done, and works."""
    if not lacking:
        return ["nothing that stands has changed; what would change:", f"  adverdict rescore diff --out {summary.out}"]
    return [
        f"{lacking}. Without a ledger nothing is known to stand, and nothing can be applied;",
        "with another model or other policies into OTHER, what they would decide otherwise:",
        f"  adverdict rescore diff --out OTHER --against {summary.out}",
    ]


def _markets(summary: Summary) -> list[str]:
    rows: list[tuple[str, ...]] = [("market", *VERDICTS, "ads")]
    for market, verdicts in sorted(summary.markets.items()):
        rows.append((market, *(f"{verdicts.get(verdict, 0):,}" for verdict in VERDICTS), f"{sum(verdicts.values()):,}"))
    rows.append(("all", *(f"{summary.verdicts.get(verdict, 0):,}" for verdict in VERDICTS), f"{summary.ads:,}"))
    return aligned(rows)


def _effort(summary: Summary) -> list[str]:
    effort = summary.effort
    worked = f"{counted(effort.shards, 'shard')} in {effort.seconds:.0f} s, {effort.ads_per_second:,.0f} ads/s"
    peak = f"at most {effort.worker_peak_mib:,.0f} MiB a worker, {effort.driver_peak_mib:,.0f} MiB the driver"
    lines = [f"{worked}, {counted(effort.workers, 'worker')} ({effort.engine}), {peak}" if effort.shards else "nothing was left to decide"]
    if summary.texts:
        lines.append(f"the encoder read {summary.encoded:,} of {summary.texts:,} texts ({summary.encoded / summary.texts:.0%})")
    if summary.skipped:
        lines.append(f"{counted(summary.skipped, 'ad')} left out, submitted before --since")
    if summary.degraded:
        causes = ", ".join(f"{cause} {ads:,}" for cause, ads in list(summary.degraded_by.items())[:CAUSES])
        more = f", and {len(summary.degraded_by) - CAUSES:,} more" if len(summary.degraded_by) > CAUSES else ""
        lines.append(f"{summary.degraded:,} of {counted(summary.ads, 'decision')} are degraded: {causes}{more}")
    return lines


def _undecided(summary: Summary, own: str) -> list[str]:
    lines = []
    if summary.quarantined_rows:
        lines.append(f"{counted(summary.quarantined_rows, 'row')} could not be decided; what stands, stands")
    if summary.quarantined_shards:
        some = counted(len(summary.quarantined_shards), "shard")
        rows = f", {counted(summary.rows_in_quarantined_shards, 'row')}," if summary.rows_in_quarantined_shards else ""
        lines.append(f"{some}{rows} could not be decided; what stands, stands:")
        lines += [f"  {shard.shard}: {shard.reason}" for shard in summary.quarantined_shards[:SHOWN]]
    if lines:
        lines.append(f"look in {summary.out.rstrip('/')}/{own}/quarantine")
    return lines
