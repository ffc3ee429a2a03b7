"""The normaliser reads disguised text, and leaves honest text of any script alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adverdict.domain.ad import Ad
from adverdict.features.text.normalise import NOTHING, Undone, _one_pass, ad_text, normalise
from tests.effort import examples

DISGUISED = [
    ("fr33 m0n3y", "free money", Undone(leet=2)),
    ("$ale ca$h v14gr4 cl1ck p0rn", "sale cash viagra click porn", Undone(leet=5)),
    ("f r e e  m o n e y now", "free money now", Undone(spaced=2)),
    ("f.r.e.e stuff", "free stuff", Undone(spaced=1)),
    ("get yоur саѕһ nоw", "get your cash now", Undone(confusables=6)),
    ("\u0406ncluded: а call, h\u0435\u0406\u0406o", "included: a call, hello", Undone(confusables=5)),
    ("r*e*a*d it in y*o*u*r t*o*w*n", "read it in your town", Undone(spaced=3)),
    ("Бeсплaтно для всех", "бесплатно для всех", Undone(confusables=2)),
    ("fr\u200bee mo\u200dney", "free money", Undone(zero_width=2)),
    ("fr\x00ee", "free", Undone(zero_width=1)),
    ("ab\u202ecd\u200e", "abcd", Undone(bidi=2)),
    ("𝐅𝐑𝐄𝐄 ⓜⓞⓝⓔⓨ ꜰʀᴇᴇ 🅵🆁🅴🅴", "free money free free", Undone(styled=17)),
    ("ＦＲＥＥ", "free", Undone(styled=4)),
    ("freeeee www.x.com xxx", "free www.x.com xxx", Undone(repeated=3)),
    ("с a s h now", "cash now", Undone(confusables=1, spaced=1)),
    ("a" + "\ufe01" * 4 + "b", "ab", Undone(zero_width=4)),
    ("\U000e0041\U000e0042hi", "hi", Undone(zero_width=2)),
]


@pytest.mark.parametrize(("raw", "text", "undone"), DISGUISED)
def test_a_disguise_is_undone_and_counted(raw: str, text: str, undone: Undone) -> None:
    found = normalise(raw)
    assert (found.text, found.undone, found.raw) == (text, undone, raw)


HONEST = [
    "3d 24h 4k h2o covid19 $19.99 +46 70 123 45 67 b2b mp3s iphone15 fit4life i18n car4you web3games ps5 mp4 1st 10x",
    "me@m0n3y.com @handle",
    "a b c vitamins",
    "www.example.com aaa xxx",
    "größe straße är på café l'été señor ığdır łódź",
    "распродажа обуви: скидки до 50 % на всё",
    "nike кроссовки со скидкой рост",
    "vipклиент, topовый",
    "m*a*s*h on tv",
    "α-tocopherol, i.e. an éclair and ω 3",
    "apple и samsung в москве, iphone у нас",
    "Ìlà Òòrùn Eṣíà".lower(),
    "πάρε τώρα έκπτωση στα παπούτσια",
    "500 μg β-carotene α",
    "नमस्‍ते क्‍ष सेल में छूट",
    "ব্যাংক থেকে র‍্যাম",
    "ක්‍රිකට් ශ්‍රී ලංකා",
    "می‌خواهم خرید کنم",
    "שלום עולם",
    "今すぐ購入 snsで話題 テスト",
    "지금 구매 하 세 요",
    "👨‍👩‍👧 family 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f ok",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_of_any_script_stays_as_it_is_and_counts_nothing(text: str) -> None:
    assert normalise(text).undone == NOTHING
    assert normalise(text).text == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  Two   words \r\n\r\n next\tline ", "two words\nnext line"),
        ("WOW!!!!! ...... ok", "wow!! .. ok"),
        ("\ud800x", "\ufffdx"),
        ("soft\u00adhyphen ❤️", "softhyphen ❤"),
        ("\u200fعرض خاص\u200f 50", "عرض خاص 50"),
        ("\ufdfa", "صلعم"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_spaces_signs_and_case_fold_without_being_evidence(raw: str, text: str) -> None:
    assert normalise(raw) == normalise(raw)
    assert (normalise(raw).text, normalise(raw).undone) == (text, NOTHING)


TRICKY = st.text(
    alphabet="aA eE oO rf3041$@!.-_ \n\tаеосрxХнВгΑαοιß\u200b\u200c\u200d\u202e\u0301\u0308İıſ™½ﬁ𝐅ꜰＡＢक्षعー가\ud800\ufe0f❤🅰🅱🅾\u3164"
)


@given(st.one_of(st.text(alphabet=st.characters(codec=None)), TRICKY))
@example("a" + "\u0344" * 9)
@example("A\u0315\u0300" * 5)
@examples(600)
def test_normalising_twice_changes_nothing_and_the_result_can_be_encoded(raw: str) -> None:
    once = normalise(raw)
    assert normalise(once.text).text == once.text
    assert normalise(once.text).undone.bidi == normalise(once.text).undone.zero_width == 0
    once.text.encode("utf-8")


@given(TRICKY)
@example("awww क्www क$ale")
@examples(300)
def test_the_short_way_for_plain_texts_gives_what_the_long_way_would(raw: str) -> None:
    from collections import Counter

    text = normalise(raw).text
    assert _one_pass(text, Counter()) == text


HOSTILE = {
    "spaces": " " * 10**6,
    "one letter": "a" * 10**6,
    "letters one by one": "a " * 100_000,
    "nearly spaced": "a b c dd " * 22_222,
    "marks": "a" + "\u0300\u0316" * 250_000,
    "joiners": "\u200d" * 333_000,
    "leet": "fr33 m0n3y " * 18_181,
    "mixed words": "аa " * 66_666,
    "long expansions": "\ufdfa" * 333_000,
    "gaps": ("a" + " " * 1000) * 999,
    "lines": " \n" * 500_000,
    "signs": "a" + "$" * 250_000 + "é",
}
"""Of hundreds of thousands of characters, so that growth with the square would show beside an eighth of each."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_long_hostile_text_takes_linear_time(name: str) -> None:
    text = HOSTILE[name]

    def seconds(part: str) -> float:
        start = time.process_time()
        normalise(part)
        return time.process_time() - start

    eighth, whole = min(seconds(text[-(len(text) // 8) :]) for _ in range(2)), seconds(text)
    assert whole < 0.2 + 20 * eighth, "eight times the text may take eight times as long, with room for noise, not sixty-four"
    assert whole < 10


def test_an_ads_text_is_one_line_a_field_keywords_and_read_off_text_included() -> None:
    ad = Ad.model_validate(
        {
            "ad_id": "a",
            "advertiser_id": "b",
            "market": "SE",
            "submitted_at": "2026-03-01T00:00:00Z",
            "title": "Title",
            "body": "Body  text",
            "call_to_action": "Go",
            "keywords": ["k1", "k2"],
            "creative_ocr_text": "PICTURE",
        }
    )
    assert ad_text(ad).text == "title\nbody text\ngo\nk1, k2\npicture"
    nothing = dict.fromkeys(("title", "body", "call_to_action", "keywords", "creative_ocr_text"))
    assert ad_text(ad.model_copy(update=nothing)).text == ""
