"""What an ad's own content comes to, features and n-grams: computed once an ad, for every fold, search and later training.

Nothing here depends on a label, on another ad or on the training: history, which does, is counted anew every time.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from adverdict import features
from adverdict.domain import identity, visible
from adverdict.domain.ad import Ad
from adverdict.domain.progress import SILENT, Progress
from adverdict.features.contract import CATEGORIES, FeatureContract, installed, levels_of, read_for_languages
from adverdict.features.creative import CREATIVE_FACTS
from adverdict.features.history.counts import SHARED, HistoryCounts
from adverdict.features.table import FeatureTable, code, with_history
from adverdict.features.text.ngrams import N_COLUMNS, ngram_counts, ngram_text
from adverdict.features.text.signals import TEXT_CATEGORIES, TEXT_SIGNALS
from adverdict.features.text.traits import Traits, traits
from adverdict.features.text.view import view
from adverdict.training.cache.disk_cache import CachedPart, DiskCache, RaggedArray

NAMES = (*TEXT_SIGNALS, *CREATIVE_FACTS)
CATEGORICAL = tuple(name for name in NAMES if name in CATEGORIES)
AT_ONCE = 4096
LIBRARIES = (
    "babel",
    "confusable-homoglyphs",
    "idna",
    "langcodes",
    "numpy",
    "phonenumberslite",
    "py3langid",
    "pyspellchecker",
    "regex",
    "tldextract",
)
"""What features are computed with."""

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Contents:
    """Of some ads, row by row: ``values`` ``float64 (n, len(NAMES))`` with NaN for missing numbers and for categories, ``categories`` the
    levels of ``CATEGORICAL`` as words (None is missing), ``counts`` as ``features.text.ngrams.ngram_counts`` gives them, ``traits`` what
    tells kinds of text apart."""

    values: NDArray[np.float64]
    categories: tuple[Row, ...]
    counts: sparse.csr_matrix
    traits: tuple[Traits, ...]
    texts: tuple[str, ...]
    """As n-grams are taken from them."""

    def contract(self) -> FeatureContract:
        """What ``features.contract.learn_contract`` learns from the same ads."""
        levels = {}
        for column, name in enumerate(CATEGORICAL):
            rows = read_for_languages(self.categories) if name in TEXT_CATEGORIES else self.categories
            levels[name] = levels_of(row[column] for row in rows)
        return installed(levels)

    def table(self, contract: FeatureContract, history: HistoryCounts) -> FeatureTable:
        """What ``features.table.feature_table`` makes of the same ads, without their texts."""
        content = self.values.copy()
        for column, name in enumerate(CATEGORICAL):
            content[:, NAMES.index(name)] = [code(row[column], contract.codes[name]) for row in self.categories]
        room = np.empty((len(content), len(SHARED)))
        return with_history(FeatureTable((), np.column_stack([content, room]), np.empty((len(content), 0, 0))), history)


class ContentCache:
    """Contents of ads, each computed when first asked for. ``cache`` keeps them for the next training; ``once``: the same ads will not be
    asked for again in this one, so memory does not."""

    def __init__(self, cache: DiskCache | None = None, *, once: bool = False) -> None:
        self._once = once
        self._section = cache.section("features", made_by()) if cache else None
        self._row: dict[bytes, int] = {}
        self._kept: list[Contents] = []

    def of(self, ads: Sequence[Ad], progress: Progress) -> Contents:
        """One row an ad, in order."""
        keys = [hashlib.sha256(ad.model_dump_json().encode("utf-8", "surrogatepass")).digest() for ad in ads]
        wanted = {key: ad for key, ad in zip(keys, ads, strict=True) if key not in self._row}
        for part in self._section.find(list(wanted)) if self._section else ():
            asked = list(wanted)
            self._keep([asked[row] for row in part.wanted], _read(part))
        missing = {key: ad for key, ad in wanted.items() if key not in self._row}
        progress.advance(len(ads) - len(missing))
        if missing:
            made = _compute(list(missing.values()), progress)
            self._keep(list(missing), made)
            if self._section:
                self._section.add(list(missing), _fields(made))
        whole, chosen = self._whole(), [self._row[key] for key in keys]
        if self._once:
            self._row, self._kept = {}, []
        if chosen == [*range(len(whole.texts))]:
            return whole
        rows = np.array(chosen, dtype=np.intp)
        categories, found = tuple(whole.categories[row] for row in chosen), tuple(whole.traits[row] for row in chosen)
        return Contents(whole.values[rows], categories, whole.counts[rows], found, tuple(whole.texts[row] for row in chosen))

    def _keep(self, keys: Sequence[bytes], contents: Contents) -> None:
        start = len(self._row)
        self._row |= {key: start + row for row, key in enumerate(keys)}
        self._kept.append(contents)

    def _whole(self) -> Contents:
        if len(self._kept) > 1:
            self._kept = [joined(self._kept)]
        return self._kept[0] if self._kept else _compute([], SILENT)


def joined(parts: Sequence[Contents]) -> Contents:
    return Contents(
        np.concatenate([part.values for part in parts]),
        tuple(row for part in parts for row in part.categories),
        sparse.vstack([part.counts for part in parts], format="csr"),
        tuple(one for part in parts for one in part.traits),
        tuple(text for part in parts for text in part.texts),
    )


def made_by() -> dict[str, Any]:
    """All that contents depend on besides the ad: the feature contract, and every line of the code, for a mended feature keeps its name."""
    code = hashlib.sha256(Path(__file__).read_bytes())
    folder = Path(features.__file__).parent
    for path in (Path(identity.__file__), Path(visible.__file__)):
        code.update(path.read_bytes())
    for path in sorted(folder.rglob("*.py")):
        code.update(f"\n{path.relative_to(folder).as_posix()}\n".encode() + path.read_bytes())
    libraries = {name: metadata.version(name) for name in LIBRARIES}
    return {"contract": installed({}).hash, "code": code.hexdigest(), "python": sys.version, "libraries": libraries}


def _compute(ads: Sequence[Ad], progress: Progress) -> Contents:
    values, categories, counts = np.full((len(ads), len(NAMES)), np.nan), [], [sparse.csr_matrix((0, N_COLUMNS))]
    numbers = [column for column, name in enumerate(NAMES) if name not in CATEGORIES]
    words = [NAMES.index(name) for name in CATEGORICAL]
    found: list[Traits] = []
    texts: list[str] = []
    for start in range(0, len(ads), AT_ONCE):
        some = [view(ad) for ad in ads[start : start + AT_ONCE]]
        for i, one in enumerate(some):
            row: list[Any] = [*[signal(one) for signal in TEXT_SIGNALS.values()], *[fact(one.ad) for fact in CREATIVE_FACTS.values()]]
            values[start + i, numbers] = [row[column] for column in numbers]
            categories.append(tuple(None if row[column] is None else str(row[column]) for column in words))
        read = [ngram_text(one.ad, one.text) for one in some]
        counts.append(ngram_counts(read))
        found += map(traits, some)
        texts += [one.text for one in read]
        progress.advance(len(some))
    return Contents(values, tuple(categories), sparse.vstack(counts, format="csr"), tuple(found), tuple(texts))


def _fields(made: Contents) -> dict[str, RaggedArray]:
    rows = [(*row, one.language, one.script) for row, one in zip(made.categories, made.traits, strict=True)]
    words = [json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") for row in rows]
    texts = [text.encode("utf-8", "surrogatepass") for text in made.texts]
    grams = [one.grams for one in made.traits]
    ones, own = np.ones(len(words), dtype=np.int64), np.diff(made.counts.indptr).astype(np.int64)
    return {
        "values": RaggedArray(made.values, ones),
        "categories": _bytes(words),
        "texts": _bytes(texts),
        "columns": RaggedArray(made.counts.indices.astype(np.int32), own),
        "counts": RaggedArray(made.counts.data, own),
        "grams": RaggedArray(np.concatenate([np.empty(0, np.int32), *grams]), np.array([*map(len, grams)], dtype=np.int64)),
    }


def _bytes(records: Sequence[bytes]) -> RaggedArray:
    return RaggedArray(np.frombuffer(b"".join(records), dtype=np.uint8), np.array([*map(len, records)], dtype=np.int64))


def _strings(field: RaggedArray, at: NDArray[np.intp]) -> list[str]:
    whole, starts = field.values.tobytes(), field.starts
    return [
        whole[start : start + length].decode("utf-8", "surrogatepass") for start, length in zip(starts[at], field.lengths[at], strict=True)
    ]


def _read(part: CachedPart) -> Contents:
    """The records of one part that were asked for. What a part holds was checked against its digest: it is as it was written."""
    fields = part.fields
    columns, grams = fields["columns"], fields["grams"]
    rows = [json.loads(words) for words in _strings(fields["categories"], part.at)]
    ends = [(int(grams.starts[row]), int(grams.starts[row] + grams.lengths[row])) for row in part.at]
    found = tuple(Traits(np.array(grams.values[start:end]), *row[-2:]) for (start, end), row in zip(ends, rows, strict=True))
    everything = sparse.csr_matrix(
        (np.array(fields["counts"].values), np.array(columns.values), np.append(columns.starts, len(columns.values))),
        shape=(len(columns.lengths), N_COLUMNS),
    )
    categories, texts = tuple(tuple(row[:-2]) for row in rows), tuple(_strings(fields["texts"], part.at))
    return Contents(np.array(fields["values"].values[part.at]), categories, everything[part.at], found, texts)
