from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adverdict.certification.certificate import Issued, sealed
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.errors import Unavailable, UntrustedBundle
from adverdict.serving.worker.champion import Champion
from tests.review.certificates import a_certificate
from tests.scoring.fakes import FakeRegistry
from tests.serving.test_champion import make

ISSUED = datetime(2026, 11, 1, tzinfo=UTC)


def certificates(bundle: str = "v1", below: float = 0.2) -> str:
    named = {"policy": "gambling", "bundle_version": bundle, "policy_hash": "hash"}
    return Issued((sealed(a_certificate(ISSUED, below=below).model_copy(update=named)),)).to_json()


@pytest.fixture
def champion(registry: FakeRegistry, book: PolicyBook, tmp_path: Path) -> Champion:
    return make(registry, book, tmp_path)


def below(champion: Champion) -> list[float]:
    """What the thresholds in use approve below."""
    return [thresholds.approve_below for thresholds in champion.current()[0].solved.points.values()]


def test_certificates_attached_while_the_model_serves_are_used_from_the_next_look_on(champion: Champion, registry: FakeRegistry) -> None:
    champion.check()
    assert below(champion) == []
    registry.certified["1"] = certificates()
    champion.check()
    assert below(champion) == [0.2]
    assert champion.state.degraded == ()
    assert champion.current()[0].certified_until == ISSUED + timedelta(days=90)
    assert champion.state.swaps == 1, "the bundle itself was not swapped"


def test_renewed_certificates_replace_the_old_ones_and_withdrawn_ones_are_dropped(champion: Champion, registry: FakeRegistry) -> None:
    registry.certified["1"] = certificates()
    champion.check()
    registry.certified["1"] = certificates(below=0.3)
    champion.check()
    assert below(champion) == [0.3]
    del registry.certified["1"]
    champion.check()
    assert below(champion) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (certificates(bundle="another"), "another model's"),
        (certificates().replace('"approve_below": 0.2', '"approve_below": 0.8'), "changed after it was issued"),
        (Issued((sealed(a_certificate(ISSUED).model_copy(update={"approve_below": 0.8})),)).to_json(), "raised and named anew"),
        ("{", "not JSON"),
        ('{"schema": 1, "certificates": [{}]}', "not a certificate"),
    ],
    ids=lambda value: value if len(value) < 30 else "text",
)
def test_certificates_that_cannot_be_trusted_are_not_used_and_every_decision_says_so(
    champion: Champion,
    registry: FakeRegistry,
    text: str,
    why: str,
) -> None:
    registry.certified["1"] = certificates()
    champion.check()
    registry.certified["1"] = text
    champion.check()
    champion.check()
    assert champion.state.degraded == (Degradation(Cause.CERTIFICATES_REFUSED),), why
    assert below(champion) == [0.2], "the last good ones stay"
    registry.certified["1"] = certificates(below=0.4)
    champion.check()
    champion.check()
    assert (champion.state.degraded, below(champion)) == ((), [0.4])


def test_a_new_champion_does_not_keep_the_old_ones_certificates(champion: Champion, registry: FakeRegistry) -> None:
    registry.certified["1"] = certificates()
    champion.check()
    registry.bundles["2"] = {"version": "v2"}
    registry.champion = "2"
    champion.check()
    assert below(champion) == []
    assert champion.state.loaded is not None
    assert champion.state.loaded.certificates is None


def test_a_start_without_the_registry_has_the_certificates_of_the_last_good_bundle(
    champion: Champion,
    registry: FakeRegistry,
    book: PolicyBook,
    tmp_path: Path,
) -> None:
    registry.certified["1"] = certificates()
    champion.check()
    registry.away = Unavailable("the registry is down")
    again = make(registry, book, tmp_path)
    again.check()
    assert below(again) == [0.2]
    assert again.state.degraded == (Degradation(Cause.UNREACHABLE),)


def test_a_scorer_refuses_certificates_of_another_bundle(champion: Champion) -> None:
    champion.check()
    with pytest.raises(UntrustedBundle, match="another"):
        champion.current()[0].certified(Issued.from_json(certificates(bundle="another")))


# By policies ------------------------------------------------------------------------------------------------------------------------


def edited(book: PolicyBook) -> PolicyBook:
    """The same policies with another hash."""
    return replace(book, names=(*book.names, "not_in_force_anywhere"))


def test_a_set_that_was_solved_for_other_policies_touches_nobody_who_runs(
    champion: Champion, registry: FakeRegistry, book: PolicyBook
) -> None:
    champion.check()
    registry.certified_for["1", edited(book).hash] = certificates()
    champion.check()
    assert below(champion) == [], "with thresholds of its own that carry none"
    registry.certified_for["1", book.hash] = certificates(below=0.3)
    champion.check()
    registry.certified_for["1", edited(book).hash] = certificates(below=0.1)
    champion.check()
    assert (below(champion), champion.state.degraded) == ([0.3], ())


def test_each_service_picks_the_set_of_its_own_policies(registry: FakeRegistry, book: PolicyBook, tmp_path: Path) -> None:
    other = edited(book)
    registry.certified_for = {("1", book.hash): certificates(below=0.3), ("1", other.hash): certificates(below=0.1)}
    mine, theirs = make(registry, book, tmp_path / "mine"), make(registry, other, tmp_path / "theirs")
    for champion in (mine, theirs):
        champion.check()
    assert (below(mine), below(theirs)) == ([0.3], [0.1])


def test_a_set_from_before_there_was_one_a_policy_folder_serves_whoever_has_none_of_its_own(
    champion: Champion, registry: FakeRegistry, book: PolicyBook
) -> None:
    registry.certified["1"] = certificates(below=0.2)
    champion.check()
    assert below(champion) == [0.2]
    registry.certified_for["1", book.hash] = certificates(below=0.3)
    champion.check()
    assert below(champion) == [0.3]


def test_who_edited_a_policy_goes_on_with_the_set_it_had_until_another_is_solved(
    champion: Champion, registry: FakeRegistry, book: PolicyBook, tmp_path: Path
) -> None:
    registry.certified_for["1", book.hash] = certificates(below=0.3)
    champion.check()
    again = make(registry, edited(book), tmp_path)
    again.check()
    assert below(again) == [0.3]
    third = make(registry, edited(edited(book)), tmp_path)
    third.check()
    assert below(third) == [0.3], "however often they are edited"
    registry.certified_for["1", edited(book).hash] = certificates(below=0.1)
    third.check()
    assert below(third) == [0.3], "not what was solved for others meanwhile"
    registry.certified_for["1", edited(edited(book)).hash] = certificates(below=0.2)
    third.check()
    assert below(third) == [0.2]


def test_a_set_that_was_withdrawn_is_not_gone_on_with(champion: Champion, registry: FakeRegistry, book: PolicyBook, tmp_path: Path) -> None:
    registry.certified_for["1", book.hash] = certificates(below=0.3)
    champion.check()
    registry.certified_for.clear()
    again = make(registry, edited(book), tmp_path)
    again.check()
    assert below(again) == []


def test_another_version_does_not_go_on_with_the_set_of_the_one_before(
    champion: Champion, registry: FakeRegistry, book: PolicyBook, tmp_path: Path
) -> None:
    registry.certified_for["1", book.hash] = certificates(below=0.3)
    champion.check()
    registry.bundles["2"], registry.champion = {"version": "v2"}, "2"
    registry.certified_for["2", book.hash] = certificates(bundle="v2", below=0.1)
    again = make(registry, edited(book), tmp_path)
    again.check()
    assert below(again) == []
