"""Pictures are kept for what people look at, once for a file, and go with the last ad that shows them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from adverdict.creatives import keeping
from adverdict.creatives.fetching import Fetched, fetch
from adverdict.creatives.keeping import WAITS, Kept
from adverdict.creatives.limits import Limits
from adverdict.creatives.resolver import Resolver
from adverdict.creatives.sources import Sources
from adverdict.domain.errors import Unavailable
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.erase import erase
from adverdict.ledger.schema import creative_frames, creative_uses, creatives
from adverdict.ledger.store import Ledger
from adverdict.review.tasks import golden
from adverdict.review.tasks.golden import GoldenItem
from tests.creatives.files import picture
from tests.ledger.made import an_ad
from tests.review.desk import Desk

QUICK = Limits(reading_seconds=0.0)
"""No time to read text in pictures: it takes seconds, and nothing here asks what it says."""


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "creatives").mkdir()
    (tmp_path / "creatives" / "shoe.png").write_bytes(picture())
    (tmp_path / "creatives" / "same.png").write_bytes(picture())
    return tmp_path / "creatives"


def known(desk: Desk, made: DecisionMade) -> Kept | None:
    with desk.ledger.look() as connection:
        return keeping.kept(connection, made.decision.decision_id)


def fetched(desk: Desk, folder: Path) -> Fetched:
    return fetch(desk.ledger, Resolver(Sources(folders=(folder,)), QUICK), desk.clock)


def rows(ledger: Ledger) -> tuple[int, int, int]:
    with ledger.look() as connection:
        tables = (creative_uses, creatives, creative_frames)
        uses, files, frames = (connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    return uses, files, frames


def test_the_creative_of_an_ad_with_a_task_is_fetched_and_kept_once_for_a_file(desk: Desk, folder: Path) -> None:
    first = desk.decide(creative_uri=f"{folder}/shoe.png")
    second = desk.decide(creative_uri=f"{folder}/same.png")
    alone = desk.decide(Verdict.APPROVE, creative_uri=f"{folder}/shoe.png")
    without = desk.decide()
    assert fetched(desk, folder) == Fetched(kept=2)
    one, two = known(desk, first), known(desk, second)
    assert one is not None
    assert two is not None
    assert (one.state, one.kind, one.width, one.height, len(one.shots)) == ("kept", "image", 320, 180, 1)
    assert one.content == two.content
    assert known(desk, alone) is None, "nobody is asked about it"
    assert known(desk, without) == Kept("none")
    assert rows(desk.ledger) == (3, 1, 1)
    with desk.ledger.look() as connection:
        body = keeping.frame(connection, one.content, 0)
        assert keeping.frame(connection, one.content, 1) is None
    assert body is not None
    assert body.startswith(b"\xff\xd8\xff")
    assert fetched(desk, folder).tried == 0


def test_what_is_refused_says_why_and_is_tried_again_only_when_asked(desk: Desk, folder: Path) -> None:
    (folder / "evil.svg").write_bytes(b"<svg onload=alert(1)>")
    evil = desk.decide(creative_uri=f"{folder}/evil.svg")
    outside = desk.decide(creative_uri="https://127.0.0.1/a.png")
    assert fetched(desk, folder) == Fetched(refused=2)
    told = known(desk, evil), known(desk, outside)
    assert all(one is not None and one.state == "refused" for one in told)
    assert told[0] is not None and "SVG" in told[0].said  # noqa: PT018
    assert told[1] is not None and "ADVERDICT_CREATIVE_HOSTS" in told[1].said  # noqa: PT018
    assert fetched(desk, folder).tried == 0
    (folder / "evil.svg").write_bytes(picture())
    with desk.ledger.change() as connection:
        assert keeping.want_again(connection, desk.clock()) == 2
    assert fetched(desk, folder) == Fetched(kept=1, refused=1)


class Away:
    """A source that does not answer."""

    limits = QUICK

    def read(self, _: str) -> bytes:
        raise Unavailable("cdn.example answered 503")


def test_what_may_be_there_later_is_tried_again_later_and_later_and_then_given_up(desk: Desk) -> None:
    made = desk.decide(creative_uri="https://cdn.example/a.png")
    for wait in WAITS:
        assert fetch(desk.ledger, Away(), desk.clock) == Fetched(later=1)  # type: ignore[arg-type]
        assert fetch(desk.ledger, Away(), desk.clock).tried == 0, "not before it is due"  # type: ignore[arg-type]
        desk.clock.on(wait.total_seconds())
    waiting = known(desk, made)
    assert waiting is not None
    assert (waiting.state, waiting.said) == ("waiting", "cdn.example answered 503")
    fetch(desk.ledger, Away(), desk.clock)  # type: ignore[arg-type]
    given_up = known(desk, made)
    assert given_up is not None
    assert (given_up.state, given_up.said) == ("refused", "cdn.example answered 503; tried 5 times")


def test_an_address_is_fetched_again_a_day_later_and_what_was_seen_before_stays(desk: Desk, folder: Path) -> None:
    before = desk.decide(creative_uri=f"{folder}/shoe.png")
    fetched(desk, folder)
    (folder / "shoe.png").write_bytes(picture((100, 100)))
    soon = desk.decide(creative_uri=f"{folder}/shoe.png")
    assert fetched(desk, folder).tried == 0
    desk.clock.on(timedelta(hours=25).total_seconds())
    late = desk.decide(creative_uri=f"{folder}/shoe.png")
    assert fetched(desk, folder) == Fetched(kept=1)
    widths = [one.width for one in (known(desk, before), known(desk, soon), known(desk, late)) if one is not None]
    assert widths == [320, 320, 100]


@pytest.mark.parametrize("how", [{"advertiser": "adv-gone"}, {"before": True}])
def test_pictures_go_with_the_last_ad_on_record_that_shows_them(desk: Desk, folder: Path, how: dict[str, object]) -> None:
    (folder / "own.png").write_bytes(picture((64, 64)))
    own = desk.decide(creative_uri=f"{folder}/own.png", advertiser_id="adv-gone")
    shared = desk.decide(creative_uri=f"{folder}/shoe.png", advertiser_id="adv-gone")
    for _ in range(2):
        desk.say("ana", "approve")
    desk.clock.on(60)
    line = desk.clock()
    desk.clock.on(60)
    stays = desk.decide(creative_uri=f"{folder}/shoe.png", advertiser_id="adv-stays")
    with desk.ledger.write() as writing:
        keeping.want(writing.connection, [(one.decision.decision_id, one.ad.creative_uri) for one in (own, shared)], desk.clock())
    assert fetched(desk, folder).kept == 2
    asked = {"before": line} if how.get("before") else how
    done = erase(desk.ledger, why="asked to", by="dora", now=desk.clock(), **asked)  # type: ignore[arg-type]
    assert done.pictures == 1
    assert known(desk, own) is known(desk, shared) is None
    left = known(desk, stays)
    assert left is not None
    assert left.state == "kept"
    assert rows(desk.ledger) == (1, 1, 1)


def test_what_is_fetched_for_an_ad_that_is_erased_meanwhile_is_not_kept(desk: Desk, folder: Path) -> None:
    made = desk.decide(creative_uri=f"{folder}/shoe.png")

    class Slow:
        limits = QUICK

        def read(self, _: str) -> bytes:
            erase(desk.ledger, advertiser=made.ad.advertiser_id, why="asked to", by="dora", now=desk.clock(), rewrite=False)
            return picture()

    fetch(desk.ledger, Slow(), desk.clock)  # type: ignore[arg-type]
    assert rows(desk.ledger) == (0, 0, 0)
    with desk.ledger.write() as writing:
        keeping.want(writing.connection, [(made.decision.decision_id, made.ad.creative_uri)], desk.clock())
    assert rows(desk.ledger) == (0, 0, 0), "nor wanted again"


def test_golden_items_are_fetched_too_and_their_pictures_go_with_them(desk: Desk, folder: Path) -> None:
    ad = an_ad(1, creative_uri=f"{folder}/shoe.png", advertiser_id="adv-gone")
    with desk.ledger.change() as connection:
        golden.keep(connection, [GoldenItem("gld-1", ad, {"deceptive": True})])
    assert fetched(desk, folder) == Fetched(kept=1)
    golden.remove(desk.ledger, "adv-gone", desk.clock(), rewrite=False)
    assert rows(desk.ledger) == (0, 0, 0)


def test_figures_say_how_many_are_kept_and_why_others_are_not(desk: Desk, folder: Path) -> None:
    desk.decide(creative_uri=f"{folder}/shoe.png")
    for _ in range(2):
        desk.decide(creative_uri="https://cdn.example/a.png")
    desk.decide()
    fetched(desk, folder)
    with desk.ledger.look() as connection:
        found, why = keeping.counted(connection), keeping.refusals(connection, 5)
    size = found.pop("bytes")
    assert found == {"none": 1, "waiting": 0, "kept": 1, "refused": 2, "files": 1}
    assert size > 1000
    assert [ads for _, ads in why] == [2]
