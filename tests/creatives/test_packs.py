"""Ads in files get what a machine reads in their pictures; what they say already stays."""

from __future__ import annotations

from pathlib import Path

from adverdict.creatives.making import Creative, Frame
from adverdict.creatives.packs import Filled, fill
from adverdict.creatives.resolver import Resolver
from adverdict.creatives.sources import Sources
from adverdict.domain.errors import NotFound
from tests.ledger.made import an_ad


def test_a_table_is_filled_with_what_is_in_the_pictures_and_what_it_says_already_stays(tmp_path: Path) -> None:
    asked: list[str] = []

    def look(_: Resolver, uri: str) -> tuple[bytes, Creative]:
        asked.append(uri)
        if uri == "gone":
            raise NotFound("cdn.example has no such file (404)")
        return b"file", Creative("image", 10, 10, None, (Frame(b"jpeg", None),), text="Half price", read_by="somebody", phash="0f" * 8)

    ads = [
        an_ad(1, creative_uri="there"),
        an_ad(2, creative_uri="there", creative_ocr_text="As the advertiser says"),
        an_ad(3, creative_uri="there", creative_phash="1" * 16),
        an_ad(4, creative_uri="gone"),
        an_ad(5),
    ]
    told = Filled()
    seen = list(fill(ads, Resolver(Sources()), told, tmp_path, look=look))
    assert [ad.creative_ocr_text for ad in seen] == ["Half price", "As the advertiser says", "Half price", None, None]
    assert [ad.creative_phash for ad in seen] == ["0f" * 8, "0f" * 8, "1" * 16, None, None]
    assert sorted(asked) == ["gone", "there"], "an address that several ads name is fetched once"
    assert (told.ads, told.named, told.seen, told.texts, told.hashes) == (5, 4, 3, 2, 2)
    assert told.refused == {"cdn.example has no such file (404)": 1}
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"jpeg"]
