"""AdCOM 1.0: its ads and audits are read, ours are written, and what is lost on the way is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidTable
from adverdict.storage.checking.looked import check
from adverdict.storage.tables.adcom import write_adcom
from adverdict.storage.tables.pack import read_ads, read_pack
from adverdict.storage.tables.reading import Reading, Source
from adverdict.storage.tables.told import DataWarning

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
MILLISECONDS = 1772357400000
AD = Ad(ad_id="a", advertiser_id="v", market="SE", submitted_at=AT, title="Hi")
FULL = Ad(
    ad_id="b",
    advertiser_id="v",
    market="SE",
    submitted_at=datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC),
    title="Free spins",
    body="Play now",
    call_to_action="Play",
    keywords=["one", "two"],
    landing_domain="https://www.Shop.example/x",
    creative_format="carousel",
    creative_category="casino",
    creative_width=300,
    creative_height=250.5,
    creative_duration_s=12.5,
    creative_uri="s3://x/y.png",
    advertiser_licences=("gambling:SE",),
    advertiser_verified=False,
)
FORMATS = [None, "video", "audio", "image", "native", "html"]
ADS = [AD, FULL, *(FULL.model_copy(update={"creative_format": name, "title": None}) for name in FORMATS)]


def adcom(path: Path, *ads: dict[str, Any], policy: str | None = None) -> Source:
    path.write_text("\n".join(json.dumps(ad) for ad in ads) + "\n", encoding="utf-8")
    said = {"label": "audit", "policy": policy} if policy else {}
    return Source(path, Reading.of({"format": "adcom", "market": "US", **said}))


@pytest.mark.parametrize("ad", ADS)
def test_an_ad_of_ours_comes_back_as_it_was(tmp_path: Path, ad: Ad) -> None:
    write_adcom(tmp_path / "x.jsonl", [ad], [])
    assert read_ads(Source(tmp_path / "x.jsonl", Reading(format="adcom"))) == [ad]


def test_an_ad_is_written_where_adcom_has_a_place_for_it(tmp_path: Path) -> None:
    denied = Label(ad_id="b", policy="gambling", violates=True, labelled_at=AT, reason="no licence")
    cleared = Label(ad_id="a", policy="gambling", violates=False, labelled_at=AT)
    write_adcom(tmp_path / "x.jsonl", [AD, FULL, AD.model_copy(update={"ad_id": "c"})], [denied, cleared])
    first, second, third = map(json.loads, (tmp_path / "x.jsonl").read_text(encoding="utf-8").splitlines())
    assert first == {
        "id": "a",
        "init": MILLISECONDS,
        "lastmod": MILLISECONDS,
        "audit": {"status": 3, "feedback": [], "init": MILLISECONDS, "lastmod": MILLISECONDS},
        "display": {"native": {"asset": [{"id": 1, "title": {"text": "Hi"}}]}},
        "ext": {"adverdict": {"advertiser_id": "v", "market": "SE", "creative_format": None}},
    }
    assert (second["audit"]["status"], second["audit"]["feedback"]) == (4, ["gambling: no licence"])
    assert [asset.get("data", {}).get("type") for asset in second["display"]["native"]["asset"]] == [None, 2, 12]
    assert third["audit"]["status"] == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [(1, []), (2, []), (3, [False]), (4, [True]), (5, []), (6, []), (7, []), (None, [])],
)
def test_only_approved_and_denied_are_answers(tmp_path: Path, status: int | None, said: list[bool]) -> None:
    audit = {"status": status, "lastmod": MILLISECONDS + 1000, "feedback": ["no licence"]}
    ad = {"id": "a", "adomain": ["shop.example"], "init": MILLISECONDS, "display": {"adm": "<b>Hi</b>"}, "audit": audit}
    known = {**ad, "id": "z", "audit": {**audit, "status": 3}}
    pack = read_pack(adcom(tmp_path / "x.jsonl", ad, known, policy="gambling"))
    labels = [label for label in pack.labels if label.ad_id == "a"]
    assert [label.violates for label in labels] == said
    assert [(label.reason, label.labelled_at.second) for label in labels] == [("no licence", 1)] * len(said)


def test_what_the_contract_has_no_place_for_is_told(tmp_path: Path) -> None:
    display = {"w": 300, "h": 250, "adm": "<b>Hi</b>"}
    ad = {"id": "a", "adomain": ["shop.example", "b.example"], "cat": ["IAB9-7"], "cattax": 1, "attr": [3], "mrating": 1}
    with pytest.warns(DataWarning) as told:
        [read] = read_ads(adcom(tmp_path / "x.jsonl", {**ad, "lastmod": MILLISECONDS, "display": display, "video": {"dur": 5}}))
    assert (read.advertiser_id, read.landing_domain, read.creative_category) == ("shop.example", "shop.example", "IAB9-7")
    assert (read.market, read.submitted_at, read.body, read.creative_width) == ("US", AT, "<b>Hi</b>", 300)
    assert sorted(str(one.message).partition(": ")[2] for one in told) == [
        "'adm' of Display is read as a text, of which the words count and not the markup",
        "'attr' of Ad is not kept: the data contract has no field for it",
        "'cattax' of Ad is not kept: the data contract has no field for it",
        "'mrating' of Ad is not kept: the data contract has no field for it",
        "of display and video only display is kept",
        "only the first of 'adomain' is kept",
        "the advertiser is the first domain of 'adomain'",
    ]


def test_a_line_that_is_no_ad_is_refused_with_its_row_and_checked(tmp_path: Path) -> None:
    place = adcom(tmp_path / "x.jsonl", {"id": "a", "lastmod": MILLISECONDS, "display": {"adm": "Hi"}}, {"adomain": []})
    with pytest.raises(InvalidTable, match=r"x\.jsonl row 2: row = .*expected an object Ad of AdCOM 1\.0"):
        read_ads(place)
    checked = check(place)
    assert (checked.good, checked.ads.rows, checked.ads.read) == (False, 2, 1)
