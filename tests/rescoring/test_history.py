"""What is known when everything is looked at again: one answer, wherever it is read from."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.ad import Ad
from adverdict.domain.errors import NotFound
from adverdict.domain.progress import Silent
from adverdict.features.history.frozen import FrozenHistory
from adverdict.features.history.snapshot import write_snapshot
from adverdict.features.history.state import HistoryState
from adverdict.ledger.entries import Erased, Ruled
from adverdict.ledger.history import LedgerHistory, forget, found
from adverdict.ledger.schema import contents
from adverdict.ledger.store import Ledger
from adverdict.rescoring.deciding.history import HistorySource, freeze
from adverdict.review.labels.incoming import bring
from adverdict.scoring.known import known_to
from adverdict.storage.tables.writers import write_ads, write_labels
from tests.effort import examples
from tests.features.history.freezes import MEMORY, asked, at_moment, observed
from tests.features.history.worlds import POLICIES, START, World, a_label, an_ad, difference, moments, worlds
from tests.ledger.made import about
from tests.ledger.test_history import record

LATER = START + timedelta(days=100)


def frozen(source: HistorySource, folder: Path, moment: datetime = LATER, until: int | None = None) -> FrozenHistory:
    return freeze(source, moment, folder, POLICIES, memory_bytes=MEMORY, progress=Silent(), until=until)


def versions_of(ads: list[Ad]) -> list[Ad]:
    """Each version once, as a ledger takes it."""
    return list({(ad.ad_id, ad.submitted_at): ad for ad in reversed(ads)}.values())[::-1]


def lively(ledger: Ledger, world: World, chance: random.Random) -> list[Ad]:
    """Decisions on a world's ads, some twice, labels on them, overturned appeals, and now and then an advertiser erased."""
    ads, labels = world
    versions = versions_of(ads)
    made = record(ledger, versions)
    record(ledger, versions[:3])
    first = {ad.ad_id: ad.submitted_at for ad in sorted(ads, key=lambda ad: ad.submitted_at, reverse=True)}
    labels = [label for label in labels if label.labelled_at >= first[label.ad_id]]  # older ones are refused
    entries = bring(ledger, labels, "platform", LATER) if labels else []
    told = {"appeal_id": "app", "task_id": "t", "reviewer": "sven", "policies": POLICIES}
    for number, entry in enumerate(chance.sample([*entries, *entries], min(len(entries), 3))):
        with ledger.write() as writing:
            ruling = Ruled(**about(chance.choice(made)), **told, outcome="overturned", retracted=(entry,))
            writing.append(f"rul-{number}", ruling, LATER)
    if chance.random() < 0.3:
        with ledger.write() as writing:
            writing.connection.execute(contents.delete().where(contents.c.advertiser_id == "other"))
            writing.append("ers-1", Erased(seqs=((1, 1),), why="asked to", by="test"), LATER)
    return versions


@given(
    world=worlds(), known=worlds(), moment=moments, founded=st.booleans(), cut=st.integers(0, 40), chance=st.randoms(use_true_random=False)
)
@examples(25)
def test_a_ledger_is_frozen_as_its_history_is_followed(
    tmp_path_factory: pytest.TempPathFactory, world: World, known: World, moment: datetime, founded: bool, cut: int, chance: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    url = f"sqlite:///{folder}/l.db"
    ledger = Ledger.open(url)
    if founded:
        write_snapshot(observed(*known), folder / "known")
        found(ledger, (folder / "known").read_bytes(), "bundle-1", LATER)
    ads = [*lively(ledger, world, chance), *known[0]]
    end = ledger.end()[0]
    for until in (None, min(cut, end)):
        expected = at_moment(LedgerHistory(ledger).catch_up(until), asked(ads), moment)
        history = frozen(HistorySource.ledger(url), folder / f"out-{until}", moment, until)
        assert difference(history.counts(asked(ads), POLICIES), expected) == []
        assert history.seq == (end if until is None else until)
    ledger.close()


@pytest.mark.parametrize("seed", range(3))
def test_every_database_gives_the_same(ledger_url: str, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    days = [START + timedelta(days=n / 3) for n in range(60)]
    domains = [None, "Shop.example.", "shop.example"]
    ads = [
        an_ad(
            f"a{n % 20}", at, advertiser_id=chance.choice(["adv", "other", "third"]), landing_domain=domains[n % 3], creative_id=f"c{n % 7}"
        )
        for n, at in enumerate(days)
    ]
    labels = [a_label(f"a{n % 20}", at, n % 3 > 0, ("deceptive", "gambling", "alcohol")[n % 3]) for n, at in enumerate(days)]
    ledger = Ledger.open(ledger_url, create=False)
    ads = lively(ledger, (ads, labels), chance)
    state = LedgerHistory(ledger).catch_up()
    history = frozen(HistorySource.ledger(ledger_url), tmp_path, days[50])
    assert difference(history.counts(asked(ads), POLICIES), at_moment(state, asked(ads), days[50])) == []
    assert history.counts(ads, POLICIES).advertiser.labels_any.max() > 5
    ledger.close()


def sources(folder: Path, world: World) -> list[HistorySource]:
    """One world, told by each kind of source."""
    ads, labels = world
    url = f"sqlite:///{folder}/l.db"
    ledger = Ledger.open(url)
    record(ledger, ads)
    bring(ledger, labels, "platform", LATER)
    ledger.close()
    write_ads(folder / "ads.parquet", ads)
    write_labels(folder / "labels.parquet", labels)
    write_snapshot(observed(ads, labels), folder / "known")
    return [
        HistorySource.folder(folder),
        HistorySource.ledger(url),
        HistorySource.bundle("models:/a/1", folder / "known"),
        HistorySource.bundle("models:/a/1", (folder / "known").read_bytes()),
    ]


def some_world() -> World:
    ads = [an_ad(f"a{n % 8}", START + timedelta(days=n), creative_id=f"c{n % 3}", landing_domain="Shop.example") for n in range(12)]
    return ads, [a_label(f"a{n % 8}", START + timedelta(days=n), n % 2 > 0, ("deceptive", "other")[n % 2]) for n in range(8)]


def test_the_same_events_have_the_same_digest_wherever_they_are_read_from(tmp_path: Path) -> None:
    histories = [frozen(source, tmp_path / f"out-{n}") for n, source in enumerate(sources(tmp_path, some_world()))]
    assert len({history.digest for history in histories}) == 1
    assert [history.seq for history in histories] == [None, 20, None, None]


def test_a_ledger_that_does_not_say_what_was_known_before_begins_with_the_models_own_snapshot(tmp_path: Path) -> None:
    url, ads = f"sqlite:///{tmp_path}/l.db", [an_ad("a", START)]
    ledger = Ledger.open(url)
    record(ledger, ads)
    write_snapshot(observed([an_ad("old", START)], []), tmp_path / "own")
    alone, own = (frozen(HistorySource.ledger(url, one), tmp_path / f"out-{one is None}") for one in (None, tmp_path / "own"))
    found_by_score = known_to(url, (tmp_path / "own").read_bytes())
    assert found_by_score is not None
    later = [an_ad("a", LATER)]
    assert difference(own.counts(later, POLICIES), found_by_score.state.counts(later, POLICIES)) == []
    assert (own.seq, found_by_score.seq) == (1, 1)
    found(ledger, None, None, LATER)
    founded = frozen(HistorySource.ledger(url, tmp_path / "own"), tmp_path / "founded")
    ledger.close()
    assert [one.counts(ads, POLICIES).advertiser.ads_ever.tolist() for one in (alone, own, founded)] == [[1], [2], [1]]


def test_what_a_ledger_tells_before_its_first_decision_is_what_it_tells_at_it(tmp_path: Path) -> None:
    """The service puts the model's snapshot on record with its first decision; scoring a table just before knows the same."""
    url, asked_of = f"sqlite:///{tmp_path}/l.db", [an_ad("a", LATER)]
    ledger = Ledger.open(url)
    write_snapshot(observed([an_ad("old", START)], []), tmp_path / "own")
    own = (tmp_path / "own").read_bytes()
    before = known_to(url, own)
    found(ledger, own, "v1", LATER)
    after = known_to(url, None)
    ledger.close()
    assert before is not None
    assert after is not None
    counted = [known.state.counts(asked_of, POLICIES) for known in (before, after)]
    assert difference(*counted) == []
    assert counted[0].advertiser.ads_ever.tolist() == [1]


def test_a_model_without_a_snapshot_knows_nobody(tmp_path: Path) -> None:
    assert len(frozen(HistorySource.bundle("somewhere", None), tmp_path)) == 0


def test_an_advertiser_who_was_erased_from_the_kept_snapshot_is_not_known(tmp_path: Path) -> None:
    url, state = f"sqlite:///{tmp_path}/l.db", HistoryState()
    state.observe_ads([an_ad("a", START, advertiser_id=name, creative_id="c") for name in ("gone", "stays")])
    write_snapshot(state, tmp_path / "known")
    ledger = Ledger.open(url)
    found(ledger, (tmp_path / "known").read_bytes(), "bundle-1", LATER)
    before = frozen(HistorySource.ledger(url), tmp_path / "before")
    from adverdict.ledger.erase import erase

    erase(ledger, advertiser="gone", why="asked to", by="test", now=LATER, forget=forget, rewrite=False)
    after = frozen(HistorySource.ledger(url), tmp_path / "after")
    ads = [an_ad("b", START, advertiser_id=name, creative_id="c") for name in ("gone", "stays")]
    told = [
        (one.counts(ads, ()).advertiser.ads_ever.tolist(), one.counts(ads, ()).creative_advertisers.tolist()) for one in (before, after)
    ]
    assert told == [([1, 1], [2, 2]), ([0, 1], [1, 1])]
    ledger.close()


@pytest.mark.parametrize(
    "source",
    [HistorySource.folder("/nowhere"), HistorySource.ledger("sqlite:////nowhere/l.db"), HistorySource.bundle("b", Path("/nowhere"))],
)
def test_a_source_that_is_not_there_is_told_and_leaves_no_scratch(tmp_path: Path, source: HistorySource) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        frozen(source, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_not_shown() -> None:
    shown = HistorySource.ledger("postgresql://platform:secret@db/ads").shown
    assert "secret" not in shown
    assert "@db/ads" in shown
