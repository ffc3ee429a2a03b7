"""The history at one moment, counted out of core: the same integers as the state that observes every event."""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.errors import AdverdictError, ContractMismatch, InvalidInput, InvalidTable, NotFound, Unavailable, UntrustedBundle
from adverdict.domain.progress import Silent
from adverdict.domain.votes import votes
from adverdict.features.history import events
from adverdict.features.history.entities import KINDS, one_row_a_version, rows_of_labels
from adverdict.features.history.freezing import Freezing, freeze_folder
from adverdict.features.history.frozen import UNKNOWN, FrozenHistory, find
from adverdict.features.history.known import NEVER
from adverdict.features.history.layout import LISTED, Listing
from adverdict.features.history.snapshot import to_table, write_snapshot
from adverdict.storage.tables.writers import write_ads, write_labels
from tests.effort import examples
from tests.features.history.freezes import MEMORY, asked, at_moment, frozen, observed, one_row
from tests.features.history.worlds import POLICIES, START, World, a_label, an_ad, difference, moments, worlds

LATER = START + timedelta(days=100)


@given(worlds(), moments)
@examples(40)
def test_a_frozen_history_equals_the_state_that_observed_the_same_events(
    tmp_path_factory: pytest.TempPathFactory, world: World, moment: datetime
) -> None:
    ads, labels = world
    history = frozen(tmp_path_factory.mktemp("frozen"), moment, ads, labels)
    expected = at_moment(observed(ads, labels), asked(ads), moment)
    assert difference(history.counts(asked(ads), POLICIES), expected) == []


@given(worlds(), worlds(), moments, st.booleans())
@examples(40)
def test_events_after_a_snapshot_add_to_it(
    tmp_path_factory: pytest.TempPathFactory, before: World, since: World, moment: datetime, retract: bool
) -> None:
    folder, state = tmp_path_factory.mktemp("frozen"), observed(*before)
    write_snapshot(state, folder / "known")
    ads, labels = since
    rows = rows_of_labels(labels, ads)
    told = [events.Opinion(labels[vote], ads[rows[vote]]) for vote in votes(labels, one_row_a_version(rows, ads))]
    taken = [one._replace(weight=-1) for one in told][: 3 * retract]
    with Freezing(folder / "out", moment, POLICIES, memory=MEMORY) as freezing:
        freezing.submissions(events.submissions(ads))
        freezing.told(events.told([*told, *taken]))
        history = freezing.finish(Silent(), snapshot=folder / "known")
    state.observe(ads, labels)
    for one in taken:
        state.retract_labels([one.label], {one.ad.ad_id: one.ad})
    ads = [*before[0], *ads]
    assert difference(history.counts(asked(ads), POLICIES), at_moment(state, asked(ads), moment)) == []


@given(worlds(), moments, st.randoms(use_true_random=False), st.integers(1, 3))
@examples(20)
def test_neither_the_order_nor_the_batches_of_events_change_the_digest(
    tmp_path_factory: pytest.TempPathFactory, world: World, moment: datetime, chance: random.Random, batch: int
) -> None:
    ads, labels = world
    folder = tmp_path_factory.mktemp("frozen")
    one = frozen(folder / "one", moment, ads, labels)
    two = frozen(folder / "two", moment, chance.sample(ads, len(ads)), chance.sample(labels, len(labels)), batch=batch)
    assert one.digest == two.digest


@given(worlds(), moments)
@examples(10)
def test_a_snapshot_of_the_same_events_has_the_same_digest(
    tmp_path_factory: pytest.TempPathFactory, world: World, moment: datetime
) -> None:
    folder = tmp_path_factory.mktemp("frozen")
    write_snapshot(observed(*world), folder / "known")
    assert frozen(folder / "a", moment, [], snapshot=folder / "known").digest == frozen(folder / "b", moment, *world).digest


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_a_folder_of_tables_is_known_as_its_rows_are(tmp_path: Path, suffix: str) -> None:
    domains = [None, "Shop.example.", "shop.example"]
    ads = [an_ad(f"a{n % 5}", START + timedelta(days=n), creative_id=f"c{n % 2}", landing_domain=domains[n % 3]) for n in range(9)]
    labels = [a_label(f"a{n % 5}", START + timedelta(days=n / 2), n % 3 > 0, ("deceptive", "gambling", "other")[n % 3]) for n in range(20)]
    write_ads(tmp_path / f"ads.{suffix}", ads)
    write_labels(tmp_path / f"labels.{suffix}", labels)
    moment = START + timedelta(days=6)
    history = freeze_folder(tmp_path, moment, tmp_path / "out", POLICIES, memory=MEMORY, progress=Silent())
    assert difference(history.counts(asked(ads), POLICIES), at_moment(observed(ads, labels), asked(ads), moment)) == []
    assert history.digest == frozen(tmp_path / "again", moment, ads, labels).digest


def test_other_events_another_moment_and_other_policies_have_other_digests(tmp_path: Path) -> None:
    ads, labels = [an_ad("a", START)], [a_label("a", START)]
    histories = [
        frozen(tmp_path / "1", LATER, ads, labels),
        frozen(tmp_path / "2", LATER, ads),
        frozen(tmp_path / "3", LATER + timedelta(microseconds=1), ads, labels),
        freeze_few(tmp_path / "4", policies=("deceptive",)),
    ]
    assert len({history.digest for history in histories}) == 4


def test_events_at_the_moment_are_not_known_yet(tmp_path: Path) -> None:
    ads, labels = [an_ad("a", START)], [a_label("a", START)]
    at, after = (frozen(tmp_path / str(n), START + timedelta(microseconds=n), ads, labels) for n in (0, 1))
    told = [(one.counts(ads, POLICIES).advertiser.ads_ever[0], one.counts(ads, POLICIES).advertiser.labels_any[0]) for one in (at, after)]
    assert told == [(0, 0), (1, 1)]
    assert (len(at), len(after)) == (0, 2)


def test_an_entity_that_is_stated_but_unknown_is_present_and_one_that_is_not_stated_is_absent(tmp_path: Path) -> None:
    counts = frozen(tmp_path, LATER, []).counts(asked([]), POLICIES)
    assert [(counts.creative.present[row], counts.creative.last[row]) for row in (0, 1)] == [(True, NEVER), (False, NEVER)]
    assert counts.advertiser_markets.tolist() == [0, 0, 0]


def test_no_ads_have_no_counts(tmp_path: Path) -> None:
    counts = freeze_few(tmp_path).counts([], POLICIES)
    assert (len(counts), counts.market.labels.shape) == (0, (0, 2))


def test_policies_are_counted_in_the_order_asked_for(tmp_path: Path) -> None:
    history, ads = freeze_few(tmp_path), [an_ad("a", START)]
    asked_for = ("gambling", "deceptive", "gambling")
    expected = observed(*few()).counts([an_ad("a", LATER)], asked_for)
    assert difference(history.counts(ads, asked_for), expected) == []
    assert history.policies == POLICIES


def test_a_policy_that_was_not_counted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractMismatch, match=r"does not count labels under alcohol; it knows deceptive, gambling"):
        freeze_few(tmp_path).counts([], ("alcohol", "deceptive"))


def test_hashes_that_agree_in_their_first_half_are_told_apart() -> None:
    hi, lo = np.array([1, 7, 7, 7, 9], np.uint64), np.array([5, 2, 4, 8, 0], np.uint64)
    some = np.array([(7, 8), (7, 2), (7, 4), (7, 5), (9, 0), (9, 1), (0, 0), (10, 0)], np.uint64)
    assert find(hi, lo, some).tolist() == [3, 1, 2, UNKNOWN, 4, UNKNOWN, UNKNOWN, UNKNOWN]


def test_labels_about_unknown_ads_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    labels = [a_label("a", START), *(a_label(f"gone-{n}", START) for n in range(25))]
    with pytest.raises(InvalidTable) as refused:
        frozen(tmp_path, LATER, [an_ad("a", START)], labels)
    assert str(refused.value).startswith(
        "25 labels are about unknown ads; the first 20:\n  - label 2: ad_id = 'gone-0'; expected the id of an ad in the table of ads\n"
    )
    assert len(refused.value.mistakes) == 20
    assert list(tmp_path.iterdir()) == []


def few() -> World:
    ads = [an_ad("a", START, creative_id="c1", landing_domain="shop.example"), an_ad("b", START, creative_id="c2")]
    return ads, [a_label("a", START), a_label("b", START, False, "gambling"), a_label("b", START, True, "alcohol")]


def freeze_few(folder: Path, policies: tuple[str, ...] = POLICIES) -> FrozenHistory:
    ads, labels = few()
    with Freezing(folder, LATER, policies, memory=MEMORY) as freezing:
        freezing.submissions(events.submissions(ads))
        freezing.labels(events.labels(labels))
        return freezing.finish(Silent(), seq=12)


def test_a_history_that_is_opened_again_is_the_same(tmp_path: Path) -> None:
    made, again = freeze_few(tmp_path), FrozenHistory.open(tmp_path)
    assert (again.moment, again.policies, again.digest, again.seq) == (LATER, POLICIES, made.digest, 12)
    assert difference(made.counts(few()[0], POLICIES), again.counts(few()[0], POLICIES)) == []


def test_frozen_files_hold_no_name(tmp_path: Path) -> None:
    freeze_few(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {LISTED, *(f"{kind}.{part}.npy" for kind in KINDS for part in ("hi", "lo", "times", "counts"))}
    assert not any(b"shop.example" in path.read_bytes() for path in tmp_path.iterdir())


ARRAYS = [f"{kind}.{part}.npy" for kind in ("advertiser", "market") for part in ("hi", "lo", "times", "counts")]


def _flip(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[-1] ^= 1
    path.write_bytes(octets)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def _pickled(path: Path) -> None:
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)


def _narrow(path: Path) -> None:
    np.save(path, np.load(path).astype(np.int16))


@pytest.fixture(scope="module")
def few_frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frozen")
    freeze_few(folder)
    return folder


@pytest.fixture
def copied(few_frozen: Path, tmp_path: Path) -> Path:
    """A frozen history to damage."""
    return Path(shutil.copytree(few_frozen, tmp_path / "copied"))


@pytest.mark.parametrize("damage", [_flip, _cut, _empty, _lengthen, _pickled, _narrow, Path.unlink])
@pytest.mark.parametrize("name", ARRAYS)
def test_a_damaged_array_is_refused_by_name(copied: Path, name: str, damage: Callable[[Path], object]) -> None:
    damage(copied / name)
    with pytest.raises(UntrustedBundle, match=name):
        FrozenHistory.open(copied)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"moment": "2026-03-02T00:00:00Z"}, "digest = "),
        ({"policies": ["gambling", "deceptive"]}, "digest = "),
        ({"digest": "0" * 64}, "digest = 0000"),
        ({"schema_version": 1}, "schema_version = 1; expected 2"),
        ({"files": {}}, "digest = "),
        ({"extra": 1}, "not a listing of a frozen history: Extra inputs are not permitted"),
        ({"moment": "2026-03-02T00:00:00"}, "not a listing of a frozen history: Input should have timezone info"),
    ],
)
def test_a_listing_that_was_changed_is_refused(copied: Path, changes: dict[str, Any], told: str) -> None:
    path = copied / LISTED
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(UntrustedBundle, match=told) as refused:
        FrozenHistory.open(copied)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("name", "told"), [("market.hi.npy", None), ("market.counts.npy", {"dtype": "<f8"}), ("market.lo.npy", {"shape": (9,)})]
)
def test_a_listing_of_other_arrays_is_refused_though_its_digest_is_right(copied: Path, name: str, told: dict[str, Any] | None) -> None:
    listing = Listing.read(copied)
    files = (
        {**listing.files, name: listing.files[name].model_copy(update=told)}
        if told
        else {k: v for k, v in listing.files.items() if k != name}
    )
    listing.model_copy(update={"files": files}).write(copied)
    with pytest.raises(UntrustedBundle, match=name):
        FrozenHistory.open(copied)


def test_a_folder_without_a_listing_holds_no_history(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"looked for history\.json"):
        FrozenHistory.open(tmp_path)


def test_a_freezing_that_fails_leaves_nothing_that_could_be_taken_for_a_history(tmp_path: Path) -> None:
    freeze_few(tmp_path)
    with pytest.raises(InvalidTable):
        frozen(tmp_path, LATER, [], [a_label("gone", START)])
    with pytest.raises(NotFound):
        FrozenHistory.open(tmp_path)
    assert not (tmp_path / "scratch").exists()


def test_what_a_killed_freezing_left_behind_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "labelled").write_bytes(b"half")
    (tmp_path / "market.hi.npy").write_bytes(b"half")
    assert freeze_few(tmp_path).digest == freeze_few(tmp_path / "other").digest


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    odd = tmp_path / "advertiser=nobody" / "a*b?[c]'d ö"
    assert freeze_few(odd).digest == freeze_few(tmp_path / "other").digest


def test_a_place_that_cannot_be_written_is_somebodys_outage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="file"):
        freeze_few(tmp_path / "file" / "history")


def test_a_disk_that_is_full_is_somebodys_outage(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # no file may be longer: writing fails as on a full disk
    try:
        with pytest.raises(Unavailable, match=f"the history cannot be written to {tmp_path}"):
            frozen(tmp_path, LATER, [an_ad(str(random.Random(n).random()), START) for n in range(2000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "scratch").exists()


def test_too_little_memory_is_told_with_the_amount(tmp_path: Path) -> None:
    ads = [an_ad(f"a{n}", START, advertiser_id=f"v{n}", creative_id=f"c{n}") for n in range(20_000)]
    with Freezing(tmp_path, LATER, POLICIES, memory=2**20) as freezing:
        freezing.submissions(events.submissions(ads))
        with pytest.raises(InvalidInput, match=r"memory = '1048576 bytes'; expected more"):
            freezing.finish(Silent())


SNAPSHOTS: list[tuple[dict[str, object], str]] = [
    ({"kind": "brand"}, "expected one of advertiser"),
    ({"kind": "advertiser_markets"}, "one thing for each time in a set"),
    ({"times": []}, "at least one time"),
    ({"violating": [1]}, "the row is not about labels"),
    ({"policy": "deceptive", "times": [1], "violating": [1, 1]}, "no more violating labels than labels"),
]


@pytest.mark.parametrize(("changes", "expected"), SNAPSHOTS)
def test_a_snapshot_that_is_none_is_refused(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    table = one_row(to_table(observed(*few())), **changes)
    pq.write_table(table, tmp_path / "known")
    with pytest.raises(UntrustedBundle, match=expected):
        frozen(tmp_path / "out", LATER, [], snapshot=tmp_path / "known")


def test_a_snapshot_with_a_row_twice_or_with_other_columns_is_refused(tmp_path: Path) -> None:
    table = to_table(observed(*few()))
    for name, odd, expected in (("twice", table.take([0, 0]), "twice; expected one row"), ("other", table.drop(["things"]), "columns = ")):
        pq.write_table(odd, tmp_path / name)
        with pytest.raises(UntrustedBundle, match=expected):
            frozen(tmp_path / "out", LATER, [], snapshot=tmp_path / name)


@pytest.mark.parametrize(("content", "error"), [(b"half a file", UntrustedBundle), (None, NotFound)])
def test_a_snapshot_that_cannot_be_read_is_refused_by_name(tmp_path: Path, content: bytes | None, error: type[AdverdictError]) -> None:
    if content is not None:
        (tmp_path / "known").write_bytes(content)
    with pytest.raises(error, match="known"):
        frozen(tmp_path / "out", LATER, [], snapshot=tmp_path / "known")


def test_every_fact_is_compared() -> None:
    """The properties above compare what ``difference`` walks through: all of it."""
    ads, labels = few()
    right = observed(ads, labels).counts([an_ad("a", LATER, creative_id="c1")], POLICIES)
    for field in fields(right.creative):
        wrong = right.take([0])
        values = getattr(wrong.creative, field.name)
        values[...] = ~values if values.dtype == np.bool_ else values + 1
        assert difference(wrong, right) != [], field.name


@pytest.mark.slow
def test_freezing_takes_little_more_memory_than_it_was_given(tmp_path: Path) -> None:
    """The state that observes these 200,000 ads, of an advertiser, a creative and a domain each, takes 840 MiB."""
    made = subprocess.run([sys.executable, "-c", _FREEZE, str(tmp_path), "200000"], capture_output=True, text=True, check=True)
    assert made.stderr == ""
    assert int(made.stdout) < 500, "MiB: 128 for DuckDB, the rest for the libraries and what is read and written at a time"


_FREEZE = """
import sys
from pathlib import Path
from datetime import datetime, timedelta
from adverdict.features.history.freezing import Freezing
from adverdict.domain.votes import votes
from adverdict.features.history import events
from tests.features.history.worlds import START, POLICIES, an_ad, a_label
from adverdict.domain.progress import Silent
folder, n = Path(sys.argv[1]), int(sys.argv[2])
with Freezing(folder, START + timedelta(days=1000), POLICIES, memory=128 * 2**20) as freezing:
    for begin in range(0, n, 5000):
        numbers = range(begin, begin + 5000)
        whose = [{"advertiser_id": f"v{i}", "creative_id": f"c{i}", "landing_domain": f"d{i}"} for i in numbers]
        ads = [an_ad(f"a{i}", START + timedelta(minutes=i), **one) for i, one in zip(numbers, whose)]
        freezing.submissions(events.submissions(ads))
        labels = [a_label(ad.ad_id, ad.submitted_at, policy=policy) for ad in ads for policy in ("deceptive", "other")]
        freezing.labels(events.labels(labels))
    freezing.finish(Silent())
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
