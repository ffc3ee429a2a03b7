"""A store counts what a state counts; what does not fit together is refused; and what was never observed cannot be taken back."""

from __future__ import annotations

import json
from array import array
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from adverdict.domain.errors import NotFound, UntrustedBundle
from adverdict.features.history.entities import KINDS, WORDS, entities, microseconds, words
from adverdict.features.history.state import HistoryState
from adverdict.features.history.store.building import build
from adverdict.features.history.store.events import LABELS, SUBMISSIONS, EventFolder, hashed
from adverdict.features.history.store.layered import LayeredHistory
from adverdict.features.history.store.layout import LISTED, StandsOn, StoreListing, hash_of
from adverdict.features.history.store.reading import UNKNOWN, HistoryStore, Names
from tests.features.history.worlds import POLICIES, START, a_label, an_ad, difference

MEMORY = 2**28
ADS = [
    an_ad("a", START, creative_id="c1", landing_domain="shop.example", surface="feed"),
    an_ad("b", START + timedelta(days=1), creative_id="c1", landing_domain="win.example", market="DE"),
    an_ad("c", START + timedelta(days=2), advertiser_id="other", creative_id="c1", creative_format="native"),
]
TOLD = [a_label("a", START + timedelta(days=1)), a_label("a", START + timedelta(days=1), False, "gambling"), a_label("b", START, False)]
LATER = [an_ad(f"later-{number}", START + timedelta(days=number), creative_id="c1", landing_domain="shop.example") for number in range(40)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of ``ADS`` and ``TOLD``."""
    made = tmp_path_factory.mktemp("store")
    events = EventFolder(made / "events")
    about = {ad.ad_id: ad for ad in ADS}
    with events.adding(3) as part:
        stated = [[*entities(ad), *words(ad)] for ad in ADS]
        columns = [hashed(pa.array([row[place] for row in stated], pa.string())) for place in range(len((*KINDS, *WORDS)))]
        times = pa.array([microseconds(ad.submitted_at) for ad in ADS], pa.int64())
        part.add("submissions", pa.RecordBatch.from_arrays([pa.array([1, 2, 3], pa.int64()), times, *columns], schema=SUBMISSIONS))
        whose = [entities(about[label.ad_id]) for label in TOLD]
        fields = [
            hashed(pa.array([label.ad_id for label in TOLD], pa.string())),
            *(hashed(pa.array([one[place] for one in whose], pa.string())) for place in range(len(KINDS))),
            pa.array([label.policy for label in TOLD], pa.string()),
            pa.array([label.violates for label in TOLD], pa.bool_()),
            pa.array([microseconds(label.labelled_at) for label in TOLD], pa.int64()),
            pa.array([1] * len(TOLD), pa.int32()),
        ]
        part.add("labels", pa.RecordBatch.from_arrays(fields, schema=LABELS))
    build(events, made / "built", StandsOn(seq=3, chain="00", founded=False, base=None), memory=MEMORY)
    return made / "built"


@pytest.fixture
def state() -> HistoryState:
    known = HistoryState()
    known.observe_ads(ADS)
    known.observe_labels(TOLD, {ad.ad_id: ad for ad in ADS})
    return known


def test_a_store_with_what_came_since_counts_what_a_state_counts(folder: Path, state: HistoryState) -> None:
    layered = LayeredHistory(HistoryStore.open(folder))
    about = {ad.ad_id: ad for ad in ADS}
    assert difference(layered.counts(LATER, POLICIES), state.counts(LATER, POLICIES)) == []
    for known in (layered, state):
        known.retract_labels(TOLD[:1], about)
        known.observe_labels([TOLD[0], a_label("c", START)], about)
        known.observe_ads([an_ad("d", START - timedelta(days=1), creative_id="c1", landing_domain="win.example"), LATER[3]])
        known.retract_labels([TOLD[0], TOLD[2]], about)
    assert difference(layered.counts(LATER, POLICIES), state.counts(LATER, POLICIES)) == []
    assert difference(layered.counts(LATER[:0], ()), state.counts(LATER[:0], ())) == []


@pytest.mark.parametrize(
    "label",
    [a_label("a", START), a_label("a", START + timedelta(days=1), False), a_label("a", START + timedelta(days=1), policy="alcohol")],
)
def test_a_label_that_was_not_observed_cannot_be_taken_back(folder: Path, label: object) -> None:
    with pytest.raises(ValueError, match="was observed"):
        LayeredHistory(HistoryStore.open(folder)).retract_labels([label], {"a": ADS[0]})


def test_a_label_of_the_store_can_be_taken_back_once(folder: Path) -> None:
    layered = LayeredHistory(HistoryStore.open(folder))
    layered.retract_labels(TOLD[:1], {"a": ADS[0]})
    with pytest.raises(ValueError, match="was observed"):
        layered.retract_labels(TOLD[:1], {"a": ADS[0]})


def test_names_that_agree_in_64_bits_are_told_apart() -> None:
    hi, lo = (memoryview(array("Q", values)) for values in ([1, 7, 7, 9], [5, 2, 3, 0]))
    names = Names(hi, lo)
    assert [names.row(7, low) for low in (2, 3, 4)] == [1, 2, UNKNOWN]
    assert [names.row(high, 0) for high in (0, 8, 9, 10)] == [UNKNOWN, UNKNOWN, 3, UNKNOWN]


def test_no_name_is_in_the_files_of_a_store(folder: Path) -> None:
    octets = b"".join(file.read_bytes() for file in folder.iterdir())
    assert not [name for name in ("other", "shop.example", "win.example") if name.encode() in octets]
    assert HistoryStore.open(folder).names["advertiser"].row(*hash_of("other")) != UNKNOWN


def test_a_folder_without_a_store_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no history store"):
        HistoryStore.open(tmp_path)


def test_arrays_that_do_not_fit_each_other_are_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    listing = StoreListing.read(folder)
    shorter = listing.arrays["creative.ads"]
    np.save(tmp_path / "domain.ads.npy", np.load(folder / "creative.ads.npy"))
    listing.model_copy(update={"arrays": {**listing.arrays, "domain.ads": shorter}}).write(tmp_path)
    with pytest.raises(UntrustedBundle, match=r"domain\.ads_from does not fit"):
        HistoryStore.open(tmp_path)


@pytest.mark.parametrize(("field", "value"), [("schema_version", 99), ("digest", "0" * 64), ("arrays", {})])
def test_a_listing_that_says_something_else_is_refused(folder: Path, tmp_path: Path, field: str, value: object) -> None:
    told = json.loads((folder / LISTED).read_text())
    (tmp_path / LISTED).write_text(json.dumps({**told, field: value}))
    with pytest.raises(UntrustedBundle, match=r"store\.json"):
        HistoryStore.open(tmp_path)
