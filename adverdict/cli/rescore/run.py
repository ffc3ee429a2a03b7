"""``adverdict rescore`` itself: what was told on the command line, how far it is, and what it came to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from adverdict.rescoring.deciding.run import Options
    from adverdict.rescoring.deciding.summary import Summary
    from adverdict.rescoring.folder.manifest import Done

QUARANTINED = 3
"""Exit code: finished, but rows or shards have no new decision."""
EVERY = 10.0
"""Seconds between two lines where there is no terminal."""
VERDICTS = ("approve", "review", "reject")
SHOWN = 20
CAUSES = 5
"""Causes of degraded decisions that are printed."""
ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Told:
    """The options as they came."""

    ads: str | None
    out: str | None
    model: str
    engine: str
    history: Path | None
    as_of: str | None
    since: str | None
    resume: bool
    workers: int | None
    limit_memory: str | None
    policies: Path | None
    certificates: Path | None
    rows_per_shard: int


def rescore(told: Told) -> None:
    from adverdict.cli.console import err, errors_end_the_command, out, printable

    with errors_end_the_command():
        from adverdict.rescoring.deciding.run import rescore as run
        from adverdict.rescoring.folder.manifest import own_folder
        from adverdict.storage.places import Place

        options = _options(told)
        try:
            with Bars() as bars:
                summary = run(options, bars)
        except KeyboardInterrupt:
            where = printable(str(options.out))
            err.print(f"what is decided stays in {where}; the same command with --resume goes on", markup=False, highlight=False)
            raise
        out.print(report(summary, own_folder(Place.at(options.out))), markup=False, highlight=False)
        if not summary.complete:
            raise typer.Exit(QUARANTINED)


def _options(told: Told) -> Options:
    """Raises InvalidSettings with every option that cannot be used."""
    from adverdict.domain.errors import InvalidSettings, Mistake
    from adverdict.rescoring import memory
    from adverdict.rescoring.deciding.run import Options

    wrong: list[Mistake] = []
    if not told.ads:
        wrong.append(Mistake("--ads", "(none)", "the live ads as Parquet: a file, folder, pattern or address"))
    if not told.out:
        wrong.append(Mistake("--out", "(none)", "a folder to write, or an address such as s3://bucket/folder"))
    if told.engine not in ENGINES:
        wrong.append(Mistake("--engine", told.engine, f"one of {', '.join(ENGINES)}"))
    as_of = _read(wrong, lambda: _moment("--as-of", told.as_of))
    since = _read(wrong, lambda: _moment("--since", told.since))
    limit = _read(wrong, lambda: None if told.limit_memory is None else memory.parse(told.limit_memory))
    if wrong:
        raise InvalidSettings("nothing was rescored:", wrong)
    return Options(
        ads=told.ads or "",
        out=told.out or "",
        model=told.model,
        engine="ray" if told.engine == "ray" else "local",
        history=told.history,
        as_of=as_of,
        since=since,
        resume=told.resume,
        workers=told.workers,
        limit_memory=limit,
        policies=told.policies,
        certificates=told.certificates,
        rows_per_shard=told.rows_per_shard,
    )


def _moment(option: str, told: str | None) -> datetime | None:
    from adverdict.cli.moments import moment

    return moment(option, told)


def _read(wrong: list[Any], read: Any) -> Any:
    """What ``read`` returns; its mistakes are collected instead of raised."""
    from adverdict.domain.errors import InvalidSettings

    try:
        return read()
    except InvalidSettings as error:
        wrong += error.mistakes
        return None


class Bars:
    """Implements ``rescoring.deciding.progress.Progress``: one bar a stage; off a terminal, a line now and then."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        from adverdict.cli.console import err

        columns = (TextColumn("{task.description}"), BarColumn(12), TextColumn("{task.fields[told]}"), TimeRemainingColumn())
        self._err = err
        self._bars = Progress(*columns, console=err, disable=not err.is_terminal)
        self._stage: Any = None
        self._pace = Pace(0, 0, 0)
        self._spoke = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._finish("done" if kind is None else "stopped")
        self._bars.stop()

    def stage(self, name: str, total: int) -> None:
        self._finish("done")
        self._stage = self._bars.add_task(name, total=max(total, 1), told="")

    def advance(self, steps: int = 1) -> None:
        if self._stage is not None:
            self._bars.advance(self._stage, steps)

    def deciding(self, shards: int, ads: int, done: int) -> None:
        self.stage("deciding", ads)
        self._pace = Pace(shards, ads, done)
        if done:
            self.say(f"{done:,} of {shards + done:,} shards were decided before and stay")

    def shard(self, report: Done) -> None:
        ads = report.rows + report.quarantined_rows + report.skipped
        self._pace.add(ads, report.texts, report.encoded)
        self.advance(ads)
        self._bars.update(self._stage, told=self._pace.brief())
        if not self._err.is_terminal and time.monotonic() - self._spoke >= EVERY:
            self._spoke = time.monotonic()
            self._err.print(f"    {self._pace.told()}{self._pace.left()}", highlight=False, markup=False)
        if report.reason is not None:
            self.say(f"{report.shard} is quarantined: {' '.join(report.reason.split())}")

    def say(self, sentence: str) -> None:
        from adverdict.cli.console import printable

        self._err.print(printable(sentence), highlight=False, markup=False, style="yellow")

    def _finish(self, how: str) -> None:
        if self._stage is None:
            return
        task = next(task for task in self._bars.tasks if task.id == self._stage)
        if how == "done":
            self._bars.update(self._stage, completed=task.total)
        self._stage = None
        if not self._err.is_terminal:
            self._err.print(f"--> {task.description}: {how} after {task.elapsed or 0:.0f} s", highlight=False, markup=False)


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


def report(summary: Summary, own: str = "_adverdict") -> str:
    """A summary as a person reads it: what was decided, what was not, and what to do next. ``own``: the run's own folder, in OUT."""
    from adverdict.cli.console import counted, printable

    until = f" submitted since {summary.since:%Y-%m-%d %H:%M} UTC" if summary.since else ""
    lines = [
        f"{counted(summary.ads, 'ad')}{until} decided as of {summary.as_of:%Y-%m-%d %H:%M} UTC by bundle {summary.bundle_version}",
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
        lines.append(f"warning: {counted(summary.twice.ads, 'id')} stand in {summary.twice.rows:,} rows, such as {some}")
    lines += ["", "nothing that stands has changed; what would change:", f"  adverdict rescore diff --out {summary.out}"]
    return printable("\n".join(lines), keep="\n\u200c\u200d")


def _markets(summary: Summary) -> list[str]:
    from adverdict.cli.rescore.tables import aligned

    rows: list[tuple[str, ...]] = [("market", *VERDICTS, "ads")]
    for market, verdicts in sorted(summary.markets.items()):
        rows.append((market, *(f"{verdicts.get(verdict, 0):,}" for verdict in VERDICTS), f"{sum(verdicts.values()):,}"))
    rows.append(("all", *(f"{summary.verdicts.get(verdict, 0):,}" for verdict in VERDICTS), f"{summary.ads:,}"))
    return aligned(rows)


def _effort(summary: Summary) -> list[str]:
    from adverdict.cli.console import counted

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
    from adverdict.cli.console import counted

    lines = []
    if summary.quarantined_rows:
        lines.append(f"{counted(summary.quarantined_rows, 'row')} could not be decided; what stands, stands")
    if summary.quarantined_shards:
        some = counted(len(summary.quarantined_shards), "shard")
        rows = f", {counted(summary.rows_in_quarantined_shards, 'row')}," if summary.rows_in_quarantined_shards else ""
        lines.append(f"{some}{rows} could not be decided; what stands, stands:")
        lines += [f"  {one.shard}: {one.reason}" for one in summary.quarantined_shards[:SHOWN]]
    if lines:
        lines.append(f"look in {summary.out.rstrip('/')}/{own}/quarantine")
    return lines
