"""The ads of one shard, read again from its file. A row that is no ad is set aside; a file that is another one than planned is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adverdict.domain.ad import Ad, Utc
from adverdict.domain.errors import InvalidTable, Mistake, NotFound, Unavailable
from adverdict.rescoring.input.footer import Footer, footer_of
from adverdict.rescoring.input.plan import Input, Shard, ShardPlan
from adverdict.storage.tables.pack import ads_columns, divided
from adverdict.storage.tables.parquet import parquet_range
from adverdict.storage.tables.pieces import Rows
from adverdict.storage.tables.told import read_as_missing, required

_MOMENT: TypeAdapter[datetime] = TypeAdapter(Utc)


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that is no ad, with everything wrong with it."""

    row: int
    """Within the file, from 1."""
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class ShardRows:
    """What a shard holds. ``rows[i]`` is the row of ``ads[i]`` within the file, from 1."""

    rows: list[int]
    ads: list[Ad]
    quarantined: list[QuarantinedRow] = field(default_factory=list)
    skipped: int = 0
    """Rows left out because the ad was submitted before the moment asked for, ads or not."""
    dropped: tuple[str, ...] = ()
    """Columns that are not in the data contract, which were left out."""
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Words that say that there is no value, by the column whose value was read as missing for them."""


class BadShard(InvalidTable):
    """None of a shard's rows can be decided: its file is no table of ads, or no longer the one that was planned."""

    code = "bad_shard"

    @property
    def reason(self) -> str:
        return str(self)


def read_shard(plan: ShardPlan, shard: Shard, since: datetime | None) -> ShardRows:
    """Read only the row groups that hold the shard's rows; of those rows, the ads submitted at or after ``since``.

    Raises BadShard with what is wrong, and Unavailable, which may pass, so that nothing is set aside for an outage.
    """
    planned = plan.inputs[shard.file]
    if planned.unreadable is not None:
        raise BadShard(planned.unreadable)
    place = plan.place
    try:
        with place.open(shard.input) as file:
            footer = footer_of(file, shard.input)
            _refuse_changed(planned, footer)
            columns = replace(ads_columns(), options=False)
            piece = parquet_range(file, shard.input, columns, shard.start, shard.stop, footer.metadata, far=not place.is_local)
    except BadShard:
        raise
    except InvalidTable as error:
        raise BadShard(error.what, error.mistakes) from error
    except NotFound as error:
        if place.empty():  # not one file is gone but all of them: a disk that is not mounted any more
            raise Unavailable(f"nothing is left in {place.url}, where the ads were when the run was planned") from error
        raise BadShard(f"{shard.input} is gone since the run was planned: {error}") from error
    return _found(piece, since)


def _refuse_changed(planned: Input, footer: Footer) -> None:
    told = [("size", footer.size, planned.size, "bytes"), ("footer", footer.digest[:16], planned.digest[:16], "(sha256)")]
    wrong = [
        Mistake(name, now, f"{before} {unit}, as when the run was planned", planned.name)
        for name, now, before, unit in told
        if now != before
    ]
    if wrong:
        raise BadShard(f"{planned.name} has changed since the run was planned", wrong)


def _found(piece: Rows, since: datetime | None) -> ShardRows:
    before = len(piece.values)
    if since is not None:
        kept = [index for index, row in enumerate(piece.values) if not _before(row.get("submitted_at"), since)]
        piece = Rows(piece.file, [piece.numbers[i] for i in kept], [piece.values[i] for i in kept], dropped=piece.dropped)
    ads, wrong = divided(piece)
    return ShardRows(
        rows=[piece.numbers[index] for index, _ in ads],
        ads=[ad for _, ad in ads],
        quarantined=[QuarantinedRow(piece.numbers[index], tuple(mistakes)) for index, mistakes in sorted(wrong.items())],
        skipped=before - len(piece.values),
        dropped=tuple(sorted(piece.dropped)),
        missing=_missing(piece),
    )


def _missing(piece: Rows) -> dict[str, tuple[str, ...]]:
    found = sorted(read_as_missing(piece.values, required(Ad)))
    return {column: tuple(word for name, word in found if name == column) for column, _ in found}


def _before(value: Any, since: datetime) -> bool:
    """Whether the row says itself that it is older; what cannot be read as a time says nothing, and is set aside later."""
    if isinstance(value, str):
        try:
            value = _MOMENT.validate_python(value)
        except ValidationError:
            return False
    return isinstance(value, datetime) and value < since
