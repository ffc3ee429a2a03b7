"""Which bundle is in service, step by step; no thread, no HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.errors import NotFound, Unavailable
from adverdict.models.in_use import LAST_GOOD
from adverdict.scoring.scorer import Scorer
from adverdict.scoring.warm_up import WARM_UP
from adverdict.serving.worker.champion import Champion, ServingState
from tests.scoring.fakes import FakeRegistry, open_fake


class Clock:
    """One second later each time it is asked."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def seen() -> list[ServingState]:
    return []


@pytest.fixture
def champion(registry: FakeRegistry, book: PolicyBook, tmp_path: Path, seen: list[ServingState]) -> Champion:
    return make(registry, book, tmp_path, seen)


def make(registry: FakeRegistry, book: PolicyBook, cache: Path, seen: list[ServingState] | None = None) -> Champion:
    watch = (seen if seen is not None else []).append
    return Champion(
        "models:/adverdict@champion",
        registry,
        lambda folder: Scorer(open_fake(folder), book),
        cache,
        fallback=Scorer(None, book),
        clock=Clock(),
        watch=watch,
    )


def version(champion: Champion) -> str | None:
    model = champion.current()[0].model
    return model.version if model else None


def test_the_first_look_puts_the_champion_into_service(champion: Champion, seen: list[ServingState]) -> None:
    assert (champion.starting, version(champion)) == (True, None)
    champion.check()
    assert (champion.starting, version(champion), champion.current()[1]) == (False, "v1", ())
    assert seen == [champion.state]


def test_an_unchanged_champion_is_not_fetched_again(champion: Champion, registry: FakeRegistry) -> None:
    champion.check()
    first = champion.state
    champion.check()
    assert registry.fetched == ["models:/adverdict/1"]
    assert champion.state.loaded is first.loaded
    assert (champion.state.checked_at or datetime.min) > (first.checked_at or datetime.max)


def test_a_new_champion_replaces_the_old_one_also_with_other_policies(champion: Champion, registry: FakeRegistry) -> None:
    champion.check()
    registry.bundles["2"], registry.champion = {"version": "v2", "policies": ["gambling"]}, "2"
    champion.check()
    assert (version(champion), champion.state.swaps) == ("v2", 2)


def test_a_request_keeps_the_scorer_it_began_with(champion: Champion, registry: FakeRegistry) -> None:
    champion.check()
    mine, _ = champion.current()
    registry.bundles["2"], registry.champion = {"version": "v2"}, "2"
    champion.check()
    assert [decision.bundle_version for decision in mine.score([WARM_UP])] == ["v1"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (Unavailable("no answer"), Cause.UNREACHABLE),
        (OSError("disk full"), Cause.UNREACHABLE),
        (NotFound("no alias"), Cause.NOT_FOUND),
    ],
)
def test_when_the_registry_fails_the_last_good_bundle_stays(
    champion: Champion, registry: FakeRegistry, error: Exception, cause: Cause
) -> None:
    champion.check()
    registry.away = error
    champion.check()
    assert (version(champion), champion.current()[1]) == ("v1", (Degradation(cause),))
    registry.away = None
    champion.check()
    assert (version(champion), champion.current()[1], champion.state.swaps) == ("v1", (), 1)


@pytest.mark.parametrize("bundle", [{"raises": "contract"}, {"raises": "bug"}, {"no": "version"}])
def test_a_bad_bundle_is_refused_once_and_the_last_good_one_stays(
    champion: Champion, registry: FakeRegistry, bundle: dict[str, object]
) -> None:
    champion.check()
    registry.bundles["2"], registry.champion = bundle, "2"
    champion.check()
    champion.check()
    assert (version(champion), champion.current()[1]) == ("v1", (Degradation(Cause.BUNDLE_REFUSED, "2"),))
    assert registry.fetched.count("models:/adverdict/2") == 1
    registry.bundles["3"], registry.champion = {"version": "v3"}, "3"
    champion.check()
    assert (version(champion), champion.current()[1]) == ("v3", ())


def test_a_bundle_that_cannot_score_the_warm_up_ad_is_refused(registry: FakeRegistry, book: PolicyBook, tmp_path: Path) -> None:
    class Broken(Scorer):
        def score(self, ads: object, *, explain: str = "all", degraded: tuple[Degradation, ...] = ()) -> list[object]:  # type: ignore[override]
            raise ArithmeticError

    champion = Champion("m", registry, lambda folder: Broken(None, book), tmp_path, fallback=Scorer(None, book))
    champion.check()
    assert (version(champion), champion.current()[1]) == (None, (Degradation(Cause.BUNDLE_REFUSED, "1"),))
    assert champion.refused == "it cannot be loaded; the log says more", "a probe that anybody may ask tells no path"


def test_a_copy_that_rotted_on_disk_is_downloaded_once_more(registry: FakeRegistry, book: PolicyBook, tmp_path: Path) -> None:
    make(registry, book, tmp_path).check()
    (tmp_path / "v1" / "bundle.json").write_text("{")
    champion = make(registry, book, tmp_path)
    champion.check()
    assert (version(champion), champion.current()[1]) == ("v1", ())


@pytest.mark.parametrize(
    "damage", ["nothing", "no record", "record is no JSON", "record of another model", "bundle is gone", "bundle has rotted"]
)
def test_a_start_without_the_registry_serves_the_last_good_bundle_if_it_still_is_one(
    registry: FakeRegistry, book: PolicyBook, tmp_path: Path, damage: str
) -> None:
    make(registry, book, tmp_path).check()
    registry.away = Unavailable("no answer")
    record, bundle = tmp_path / LAST_GOOD, tmp_path / "v1" / "bundle.json"
    match damage:
        case "no record":
            record.unlink()
        case "record is no JSON":
            record.write_text("{")
        case "record of another model":
            record.write_text(record.read_text().replace("@champion", "@challenger"))
        case "bundle is gone":
            bundle.unlink()
        case "bundle has rotted":
            bundle.write_text("?")
    champion = make(registry, book, tmp_path)
    champion.check()
    assert version(champion) == ("v1" if damage == "nothing" else None)
    assert (champion.current()[1], champion.starting) == ((Degradation(Cause.UNREACHABLE),), False)


def test_a_start_with_a_bad_champion_serves_the_last_good_bundle(registry: FakeRegistry, book: PolicyBook, tmp_path: Path) -> None:
    make(registry, book, tmp_path).check()
    registry.bundles["2"], registry.champion = {"raises": "contract"}, "2"
    champion = make(registry, book, tmp_path)
    champion.check()
    assert (version(champion), champion.current()[1]) == ("v1", (Degradation(Cause.BUNDLE_REFUSED, "2"),))


def test_nothing_foreseen_ends_the_thread(registry: FakeRegistry, book: PolicyBook, tmp_path: Path) -> None:
    from tests.serving.conftest import until

    registry.away = RuntimeError("a bug in the client")
    champion = Champion(
        "m", registry, lambda folder: Scorer(open_fake(folder), book), tmp_path, fallback=Scorer(None, book), poll_seconds=0.001
    )
    champion.start()
    until(lambda: champion.current()[1] == (Degradation(Cause.UNREACHABLE),))
    registry.away = None
    until(lambda: version(champion) == "v1")
    assert champion.alive
    champion.stop()
    assert not champion.alive


def test_the_warm_up_ad_is_an_ad() -> None:
    assert isinstance(WARM_UP, Ad)
