"""One form before anything is read: tricks come out as plain words and are counted, honest forms stay and are not."""

from __future__ import annotations

import pytest

from adverdict.features.text.normalise import NOTHING, normalise
from adverdict.features.text.signals import TEXT_SIGNALS
from adverdict.features.text.view import view
from tests.features.worlds import an_ad

TRICKS = {
    "w\u0336i\u0336n\u0336 m\u0336o\u0336n\u0336e\u0336y\u0336 now": "marked",
    "wın money now": "confusables",
    "wi&#110; mon&#x65;y now": "encoded",
    "wi&amp;#110; mon&amp;#101;y now": "encoded",
    "w&shy;in mon&shy;ey now": "zero_width",
    "wi<b></b>n mon<!-- x -->ey now": "encoded",
    "w★i★n m★o★n★e★y now": "spaced",
    "w-i-n m*o*n*e*y now": "spaced",
    "🇼🇮🇳 🇲🇴🇳🇪🇾 now": "styled",
    "🄦🄘🄝 🄜🄞🄝🄔🄨 now": "styled",
    "\u202eniw\u202c \u202eyenom\u202c now": "bidi",
    "win mooooney nooow": "repeated",
}


@pytest.mark.parametrize("raw", TRICKS)
def test_a_trick_reads_as_the_plain_words_and_is_counted(raw: str) -> None:
    found = normalise(raw)
    assert found.text == "win money now"
    assert getattr(found.undone, TRICKS[raw]) > 0


HONEST = [
    "schlammmasse, brennnessel, kaffeeernte",
    "größen xxxl und xxxxl",
    "henry viii and louis xviii",
    "öööbik jäääär",
    "aaa and aaaa batteries",
    "n.a.t.o. and s.o.s. for k l m n",
    "z. b. i. d. r. u. v. a. m.",
    "kadın ayakkabı indirimde",
    "été près où ça",
    "đường phố hà nội",
    "🇸🇪🇳🇴 🇫🇮",
    "call <phone> or r&d",
]


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_form_stays_and_counts_nothing(text: str) -> None:
    assert (normalise(text).text, normalise(text).undone) == (text, NOTHING)


@pytest.mark.parametrize(("raw", "text"), [("DIŞ GİYİM", "dış giyim"), ("ΟΔΟΣ ςτην", "οδος στην"), ("هـذا", "هذا"), ("1️⃣ step", "1 step")])
def test_a_letter_has_one_form(raw: str, text: str) -> None:
    assert normalise(raw).text == text


@pytest.mark.parametrize(
    ("market", "title", "name", "value"),
    [
        *(("GB", title, "phone_numbers", 0) for title in ("1990-2000", "Win 5 000 000", "01.02.2026 - 03.04.2026", "EAN 7310532109090")),
        *(("GB", title, "phone_numbers", 1) for title in ("Ring 089/1234567", "07911 123456", "☎ 0️⃣7️⃣0️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣", "+1 212 555 0199")),
        *(("GB", title, "currency_amounts", 1) for title in ("kr. 50", "₩900", "DKK 20", "30 zł", "20.000đ", "900円", "Rp 5.000")),
        *(("US", title, "currency_amounts", 0) for title in ("TOP 10", "ALL 50 states", "10 ft", "5 kg")),
        ("HU", "900 Ft", "currency_amounts", 1),
        ("JP", "30％OFF", "percent_signs", 1),
        *(("GB", title, "links", 1) for title in ("shop.co.za", "loja.pt", "is.gd/x", "магазин.рф", "hxxp://lure[.]example")),
        *(("GB", title, "links", 0) for title in ("Offer ends.In stores", "at 9.am", "me@site.com", "e.g. p.m.")),
    ],
)
def test_what_a_text_names_is_read_on_that_form(market: str, title: str, name: str, value: float) -> None:
    assert TEXT_SIGNALS[name](view(an_ad(market=market, title=title))) == value


@pytest.mark.parametrize("tag", ["nb", "no", "nn-NO", "NB_no"])
def test_a_language_stated_by_another_tag_is_as_stated(tag: str) -> None:
    ad = an_ad(title="Kjøp nye vintersko til hele familien i dag, gratis frakt over 500 kroner", language=tag)
    assert TEXT_SIGNALS["language_not_as_stated"](view(ad)) == 0
