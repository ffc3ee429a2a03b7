"""What people said of recorded ads, as a pack in the data contract that ``adverdict train`` takes.

Every version of an ad is one ad of the pack: submitted once, and labelled by whatever was said about any decision on it, however much
later, unless a ruling has retracted it. So the history computed from the pack is the one the ledger tells. A pack's ids are unique: the
version decided first keeps the ad's id, a later one is named ``AD_ID@SUBMITTED_AT``.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, NamedTuple

from sqlalchemy import Connection, select

from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import Decision
from adverdict.domain.errors import InvalidSettings, Mistake, NotFound
from adverdict.domain.progress import SILENT, Progress
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import Answered, DecisionMade, Entry, Labelled, Ruled
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.said import effective, not_before
from adverdict.ledger.schema import contents
from adverdict.ledger.store import Ledger
from adverdict.review.labels.labels import as_exported, planned
from adverdict.review.period import PAGE, Period, about_each, decisions_of, entries_in, pages, withdrawals
from adverdict.storage.tables.pack import iter_labels, write_ads, write_labels
from adverdict.storage.whole import making_folder

LONGEST = 200
"""Characters of an id in the data contract."""
TELLING = (Labelled.kind, Answered.kind, Ruled.kind, Unwound.kind)


@dataclass(frozen=True)
class Exported:
    """What was written. ``sources``: labels by where they came from."""

    folder: Path
    ads: int
    labels: int
    sources: Mapping[str, int]
    strata: Sequence[Stratum]


@dataclass(frozen=True)
class Stratum:
    """First decisions with one verdict and one probability of coming before a reviewer."""

    verdict: Verdict
    probability: float | None
    """1 where a person decides anyway; None where a decision carries no draw."""
    decisions: int
    """On record, read or not: the denominator."""
    chosen: int
    """Drawn, or left to a person."""
    labelled: int
    """Of these, with a label that counts from this draw."""


class _Version(NamedTuple):
    ad_id: str
    submitted_at: int
    """Microseconds since 1970 UTC."""


@dataclass
class _Tally:
    """What was met so far."""

    sources: Counter[str] = field(default_factory=Counter)
    strata: defaultdict[tuple[Verdict, float | None], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    ads: int = 0

    def count(self, decision: Decision, labels: Sequence[Label], drawn: bool = True) -> None:
        """``drawn`` False: the decision was withdrawn, so that it stands in no stratum; what people said of its ad stays."""
        self.sources.update(label.source for label in labels)
        self.ads += 1
        if drawn:
            self._count_draw(decision, labels)

    def _count_draw(self, decision: Decision, labels: Sequence[Label]) -> None:
        review = decision.verdict is Verdict.REVIEW
        probability = 1.0 if review else decision.audit.probability if decision.audit else None
        chosen = review or (decision.audit is not None and decision.audit.chosen)
        source = "review" if review else "audit"
        drawn = any(label.source == source and label.inclusion_probability == probability and not planned(label) for label in labels)
        counted = self.strata[decision.verdict, probability]
        for place, one in enumerate((True, chosen, chosen and drawn)):
            counted[place] += one

    def stratified(self) -> tuple[Stratum, ...]:
        ordered = sorted(self.strata.items(), key=lambda item: (item[0][0].severity, item[0][1] or 0.0))
        return tuple(Stratum(verdict, probability, *counted) for (verdict, probability), counted in ordered)


def export(
    ledger: Ledger,
    out: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    progress: Progress = SILENT,
) -> Exported:
    """Write ``ads.parquet``, ``labels.parquet`` and ``sampling.json`` into the folder ``out``, which must not exist; whole or not at all.

    ``since`` and ``until`` choose ads by when they were first decided; their labels come with them whenever they were given. ``progress``
    is told the number of ads done since it was told last. Memory does not grow with the ledger. Raises InvalidSettings, Unavailable, or
    NotFound where the period has no decision.
    """
    period = Period(since, until)
    if out.exists():
        raise InvalidSettings("nothing was exported", [Mistake("out", str(out), "a folder that does not exist")])
    tally = _Tally()
    with making_folder(out) as half:
        half.mkdir()
        spool = half / "labels.jsonl"
        with spool.open("w", encoding="utf-8") as told:
            write_ads(half / "ads.parquet", _ads(ledger, period, told, tally, progress))
        if not tally.ads:
            raise NotFound(f"no decision on record {period}: nothing was exported")
        labels = (label for piece in iter_labels(spool) for label in piece) if tally.sources else iter(())
        write_labels(half / "labels.parquet", labels)
        spool.unlink()
        exported = Exported(out, tally.ads, tally.sources.total(), dict(sorted(tally.sources.items())), tally.stratified())
        (half / "sampling.json").write_text(json.dumps(_sampling(exported, period), indent=1) + "\n", encoding="utf-8")
    return exported


def _ads(ledger: Ledger, period: Period, told: IO[str], tally: _Tally, progress: Progress) -> Iterator[Ad]:
    """Every version first decided in the period, in the order of its decisions; its labels go to ``told``."""
    last, _ = ledger.end()
    firsts = (
        (entry, entry.body)
        for entry in entries_in(ledger, period, (DecisionMade.kind,), last)
        if isinstance(entry.body, DecisionMade) and entry.body.first
    )
    for page in pages(firsts, PAGE):
        with ledger.look() as connection:
            known, ended = _Known(connection, page, last), withdrawals(connection)
        for _, made in page:
            ad = made.ad.model_copy(update={"ad_id": known.name(made.ad)})
            labels = list(known.labels(made.ad, ad.ad_id))
            told.writelines(label.model_dump_json(exclude_none=True) + "\n" for label in labels)
            tally.count(made.decision, labels, drawn=made.step not in ended)
            yield ad
        progress.advance(len(page))


class _Known:
    """Everything on record about the ads of some first decisions."""

    def __init__(self, connection: Connection, page: Sequence[tuple[Entry, DecisionMade]], last: int) -> None:
        self._original: dict[str, int] = {}
        self._told: defaultdict[str, list[Entry]] = defaultdict(list)
        self._version: dict[str, _Version] = {}
        for decision_id, version in _versions(connection, {made.ad.ad_id for _, made in page}):
            self._original.setdefault(version.ad_id, version.submitted_at)
            self._version[decision_id] = version
        told = about_each(connection, self._version, TELLING, last)
        for decision_id, some in told.items():
            self._told[self._version[decision_id].ad_id] += some
        here = {entry.entry_id: made for entry, made in page}
        answered = {one for one, some in told.items() if any(isinstance(entry.body, Answered) for entry in some)}
        self._decisions = here | decisions_of(connection, answered - set(here))

    def name(self, ad: Ad) -> str:
        """The version's id in the pack."""
        return ad.ad_id if self._original.get(ad.ad_id) == micros(ad.submitted_at) else version_id(ad.ad_id, micros(ad.submitted_at))

    def labels(self, ad: Ad, name: str) -> Iterator[Label]:
        """Those that count for this version."""
        version = _Version(ad.ad_id, micros(ad.submitted_at))
        for entry, label in effective(sorted(self._told[ad.ad_id], key=lambda entry: entry.seq)):
            decision_id = getattr(entry.body, "decision_id", "")
            if self._version.get(decision_id) == version:
                made = self._decisions.get(decision_id)
                yield as_exported(entry, not_before(label, ad.submitted_at), name, made.decision if made else None)


def version_id(ad_id: str, submitted_at: int) -> str:
    """The id of a later version; a digest stands for what does not fit."""
    when = moment(submitted_at).isoformat(timespec="microseconds").replace("+00:00", "Z")
    whole = f"{ad_id}@{when}"
    if len(whole) <= LONGEST:
        return whole
    digest = blake2b(ad_id.encode(), digest_size=8).hexdigest()
    return f"{ad_id[: LONGEST - len(digest) - len(when) - 2]}~{digest}@{when}"


def _versions(connection: Connection, ad_ids: set[str]) -> Iterator[tuple[str, _Version]]:
    """Every decision on these ads with the version it was about, oldest first."""
    query = select(contents.c.about, contents.c.ad_id, contents.c.submitted_at).order_by(contents.c.seq)
    for row in connection.execute(query.where(contents.c.ad_id.in_(sorted(ad_ids)), contents.c.submitted_at.is_not(None))):
        yield row.about, _Version(row.ad_id, row.submitted_at)


def _sampling(exported: Exported, period: Period) -> dict[str, Any]:
    """What weights need: how many decisions stand behind those that were read."""
    return {
        "since": period.since.isoformat() if period.since else None,
        "until": period.until.isoformat() if period.until else None,
        "ads": exported.ads,
        "labels": exported.labels,
        "labels_by_source": exported.sources,
        "strata": [{**one.__dict__, "verdict": one.verdict.value} for one in exported.strata],
    }
