"""One carefulness for all doors: whatever an ad comes in by, the same value is read alike, or refused with the same expectation."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput
from adverdict.serving.http.bodies import read_ad, read_batch
from tests.golden import Golden
from tests.scoring.fakes import FakeRegistry
from tests.serving.conftest import served, usual
from tests.serving.doors import COMMANDS, READER, REQUESTS, RESCORE, Answer, Knock, by_rescore, commands_that_read, open_reader

AD = {"ad_id": "a", "advertiser_id": "v", "market": "SE", "submitted_at": "2026-03-01T09:30:00Z", "title": "Hi", "body": "there"}
DOORS = (*REQUESTS, *COMMANDS, RESCORE)
WIDTH = 140


def an_ad(**changes: Any) -> Knock:
    return Knock([{**AD, **changes}])


def without(field: str, **others: Any) -> Knock:
    return Knock([{**{name: value for name, value in AD.items() if name != field}, **others}])


CASES: dict[str, Knock] = {
    "nothing unusual": Knock([AD]),
    "a column misspelt: headline": an_ad(headline="Win"),
    "a required column misspelt: avertiser_id": without("advertiser_id", avertiser_id="v"),
    "a required column missing: market": without("market"),
    "a required value missing: market": an_ad(market=None),
    "an id twice": Knock([AD, AD]),
    "a JSON key twice: title": Knock([AD], twice="title"),
    "a byte order mark": Knock([AD], mark=True),
    "a flag as text: 1.0": an_ad(advertiser_verified="1.0"),
    "a flag as a number: 1.0": an_ad(advertiser_verified=1.0),
    "a flag in another language: FALSCH": an_ad(advertiser_verified="FALSCH"),
    "a flag that is none: perhaps": an_ad(advertiser_verified="perhaps"),
    "a list as JSON's text": an_ad(keywords='["a", "NULL", "b"]'),
    "NUL in an id": an_ad(advertiser_id="v\0"),
    "NUL in a title": an_ad(title="H\0i"),
    "a time in the year 9999": an_ad(submitted_at="9999-12-31T00:00:00Z"),
    "a time in 1970": an_ad(submitted_at="1970-01-01T00:00:00Z"),
    "a time without a zone": an_ad(submitted_at="2026-03-01 09:30:00"),
    "a time as a number": an_ad(submitted_at=1772357400),
    "a time as BigQuery writes it": an_ad(advertiser_created_at="2026-03-01 09:30:00 UTC"),
    r"words for no value: NULL, \N, nan, n/a": an_ad(language="NULL", creative_id=r"\N", landing_domain="nan", creative_width="n/a"),
    "a word for no value as an id: NULL": an_ad(advertiser_id="NULL"),
    "nothing to see: blanks": an_ad(title="  ", body=" "),
    "nothing to see: zero width": an_ad(title="\u200b\u2060", body="\u200b"),
    "a language tag in another spelling: EN_us": an_ad(language="EN_us"),
    "a language tag nobody knows: klingon!": an_ad(language="klingon!"),
    "a category and a domain in another spelling": an_ad(creative_category=" Casual-Games", landing_domain="https://WWW.Shop.example/"),
    "a number that is none: many": an_ad(impressions="many"),
    "a number for a text: title 7": an_ad(title=7),
    "a market: NA, Namibia": an_ad(market="NA"),
    "a market that is none: UK": an_ad(market="UK"),
    "a market in small letters: se": an_ad(market="se"),
    "an id that a spreadsheet rounded": an_ad(ad_id="1.23457E+17"),
}
"""What is brought to every door."""
SILENT = {
    "a number for a text: title 7": {"score, CSV", "train, CSV", "data check, CSV"},  # where everything is text
}
"""Doors that read without a word what another refuses."""

Answers = Mapping[str, Mapping[str, Answer | None]]


@pytest.fixture(scope="module")
def answers(service: Any, app: Any, policy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    found: dict[str, dict[str, Answer | None]] = {name: {} for name in CASES}
    home = tmp_path_factory.mktemp("doors")
    (home / "bundle.json").write_text('{"version": "v1"}')
    with served(service, app, FakeRegistry(), usual(home, policy_folder), open_model=open_reader) as client:
        for name, knock in CASES.items():
            for door, ask in REQUESTS.items():
                READER.read.clear()
                found[name][door] = ask(knock, client)
    with commands_that_read(home, policy_folder):
        for name, knock in CASES.items():
            for door, come in COMMANDS.items():
                READER.read.clear()
                folder = tmp_path_factory.mktemp("data")
                found[name][door] = come(knock, folder, home)
        for name, answer in by_rescore(CASES, home).items():
            found[name][RESCORE] = answer
    return found


def test_what_every_door_says_to_every_input(answers: Answers, golden: Golden) -> None:
    golden.check("doors.txt", "\n".join([*_table(answers), *_words(answers)]))


@pytest.mark.parametrize("name", CASES)
def test_no_door_reads_without_a_word_what_another_refuses(name: str, answers: Answers) -> None:
    there = {door: answer for door, answer in answers[name].items() if answer}
    if any(answer.refused for answer in there.values()):
        assert {door for door, answer in there.items() if not answer.refused and not answer.told} == SILENT.get(name, set())


@pytest.mark.parametrize("name", CASES)
def test_doors_that_read_an_ad_read_the_same(name: str, answers: Answers) -> None:
    read = [ad for answer in answers[name].values() if answer for ad in answer.ads]
    assert len({ad.model_copy(update={"ad_id": "a", "submitted_at": None}).model_dump_json() for ad in read}) <= 1


def test_a_byte_order_mark_before_a_batch_is_read_over() -> None:
    assert read_batch(b"\xef\xbb\xbf" + json.dumps({"ads": [AD]}).encode()).ads


def test_a_field_twice_is_refused_and_only_that_ad_of_a_batch() -> None:
    twice = json.dumps(AD)[:-1] + ', "title": "Other"}'
    with pytest.raises(InvalidInput, match="title = 'twice'; expected each field once"):
        read_ad(twice.encode())
    batch = read_batch(f'{{"ads": [{json.dumps(AD)}, {twice}]}}'.encode())
    assert (len(batch.ads), list(batch.refused)) == (1, [1])
    with pytest.raises(InvalidInput, match="ads = 'twice'"):
        read_batch(f'{{"ads": [{json.dumps(AD)}], "ads": [{json.dumps(AD)}]}}'.encode())


def test_text_that_looks_like_a_field_is_none() -> None:
    assert read_ad(json.dumps({**AD, "title": 'a "title": b'}).encode()).title == 'a "title": b'


def _table(answers: Answers) -> Iterable[str]:
    """One word for each input and door."""
    wide = max(map(len, CASES))
    yield "What comes in, and what each door does: reads it, reads it and tells (told), refuses it; - where its form cannot hold it.\n"
    yield " " * wide + "  " + "  ".join(f"{door.partition(', ')[0]:<10}" for door in DOORS).rstrip()
    yield " " * wide + "  " + "  ".join(f"{door.partition(', ')[2]:<10}" for door in DOORS).rstrip()
    for name, by_door in answers.items():
        yield f"{name:<{wide}}  " + "  ".join(f"{_did(by_door[door]):<10}" for door in DOORS).rstrip()


def _did(answer: Answer | None) -> str:
    return "-" if answer is None else "refused" if answer.refused else "told" if answer.told else "read"


def _words(answers: Answers) -> Iterable[str]:
    """Everything that is said, by input; doors that say the same together."""
    for name, by_door in answers.items():
        yield f"\n\n{name}"
        said: dict[str, list[str]] = {}
        for door in DOORS:
            said.setdefault(_said(by_door[door]), []).append(door)
        for words, doors in said.items():
            shown = doors if len(doors) < len(DOORS) else ["all"]
            yield textwrap.fill("; ".join(shown), WIDTH, initial_indent="  ", subsequent_indent="  ")
            for line in words.split("\n"):
                yield textwrap.fill(line, WIDTH, initial_indent="      ", subsequent_indent="        ", break_on_hyphens=False)


def _said(answer: Answer | None) -> str:
    if answer is None:
        return "does not apply"
    lines = [f"refuses: {one}" for one in answer.plainly_refused] + [f"tells: {one}" for one in answer.plainly_told]
    if not answer.refused:
        lines.insert(0, f"reads {_read(answer.ads)}")
    return "\n".join(lines)


def _read(ads: list[Ad]) -> str:
    """What the ad holds beside that of ``AD``."""
    usual = Ad.model_validate(AD).model_dump(mode="json")
    found = {name: value for name, value in ads[0].model_dump(mode="json").items() if value != usual[name]}
    found = {name: value for name, value in found.items() if name not in ("ad_id", "submitted_at")}
    both = f"{len(ads)} ads" if len(ads) > 1 else "it"
    return both + "".join(f", {name} = {value!r}" for name, value in found.items())
