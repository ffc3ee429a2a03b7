"""Each text signal says what its name says, and nothing about text without it."""

from __future__ import annotations

import math
import time

import pytest

from adverdict.features.text.signals import TEXT_CATEGORIES, TEXT_SIGNALS
from adverdict.features.text.view import view
from tests.features.worlds import an_ad, some_ads


@pytest.mark.parametrize(
    ("name", "title", "value"),
    [
        ("text_characters", "Hello", 5),
        ("text_words", "don't stop, l'été नमस्ते", 4),
        ("text_sentences", "One. Two! Three", 3),
        ("has_title", "x", 1),
        ("has_body", "x", 0),
        ("capitals_share", "ABcd", 0.5),
        ("capitals_share", "АБвг", 0.5),
        ("all_capitals_words_share", "BUY it NOW a", 0.5),
        ("digits_share", "ab12", 0.5),
        ("currency_amounts", "from $5 or 10 € or usd 20, 3 days, 15kr", 4),
        ("currency_amounts", "1.1.1.1 and 5 things", 0),
        ("currency_words", "€ and dollars and taka", 3),
        ("percent_signs", "50% off, 10 %", 2),
        ("exclamation_marks", "Now!!! 今！", 4),
        ("question_marks", "Why? ¿", 1),
        ("emoji", "hi 🎉🎉 ✅", 3),
        ("urgent_words", "Hurry, jetzt, СЕЙЧАС", 3),
        ("urgent_words", "h u r r y", 1),
        ("urgent_words", "今すぐ購入、急いで", 2),
        ("superlative_words", "the best, guaranteed", 2),
        ("money_words", "fr33 ca$h", 2),
        ("phone_numbers", "call +46 (0)70-123 45 67 before 2026-03-01 or 01.03.2026", 1),
        ("phone_numbers", "$1,000,000 in 24 h", 0),
        ("phone_numbers", "call <phone>", 1),
        ("email_addresses", "me@site.com, you (at) site.org, <email>", 3),
        ("email_addresses", "@handle 5@6", 0),
        ("messengers", "WhatsApp or Telegram", 2),
        ("links", "see https://a.example/x www.b.com c.co.uk not e.g. this.That", 3),
        ("link_domains", "a.com www.a.com b.com", 2),
        ("hashtags", "#one #två # three", 2),
        ("mentions", "@one me@site.com", 1),
        ("scripts", "hello привет", 2),
        ("non_latin_share", "ab вг", 0.5),
        ("mixed_script_words", "pаypal snsで привет", 1),
        ("undone_confusables", "pаypаl", 2),
        ("undone_styled", "𝐅ree", 1),
        ("undone_zero_width", "fr\u200bee", 1),
        ("undone_bidi", "fr\u202eee", 1),
        ("undone_leet", "m0n3y", 1),
        ("undone_spaced", "f r e e", 1),
        ("undone_repeated", "freeeee", 3),
        ("distinct_words_share", "buy now buy now", 0.5),
        ("mean_word_length", "ab abcd", 3),
        ("repeated_pairs_share", "buy now buy now", 1 / 3),
        ("placeholder_share", "Advertisement shoes", 0.5),
        ("detected_language", "Jetzt günstige Schuhe für die ganze Familie kaufen", "de"),
        ("detected_language", "ok", "und"),
        ("detected_language_confidence", "ok", 0),
        ("language_not_as_stated", "Jetzt günstige Schuhe für die ganze Familie kaufen", 1),
    ],
)
def test_a_signal_reads_what_its_name_says(name: str, title: str, value: float | str) -> None:
    assert TEXT_SIGNALS[name](view(an_ad(title=title, language="sv-SE"))) == pytest.approx(value)


def test_every_signal_is_a_number_or_missing_on_any_ad_and_categories_are_words() -> None:
    for ad in some_ads():
        one = view(ad)
        for name, signal in TEXT_SIGNALS.items():
            value = signal(one)
            if name in TEXT_CATEGORIES:
                assert value is None or isinstance(value, str), name
            else:
                assert not isinstance(value, str), name
                assert value is not None, name
                assert math.isnan(value) or 0 <= value < math.inf, name


def test_an_ad_without_text_has_no_shares_and_no_language() -> None:
    one = view(an_ad(title=None, creative_format="image"))
    assert math.isnan(float(TEXT_SIGNALS["capitals_share"](one) or 0))
    assert TEXT_SIGNALS["detected_language"](one) is None
    assert TEXT_SIGNALS["text_sentences"](one) == 0


@pytest.mark.parametrize("piece", ["1", "a@", "@a", "a.", "a-", "www.", "(at)", "+1 ", "$", "5 ", "<phone>", "अ", "#", "dot ", "1."])
def test_signals_of_hostile_text_take_linear_time(piece: str) -> None:
    one = view(an_ad(title=(piece * 100_000)[:100_000]))
    start = time.process_time()
    for signal in TEXT_SIGNALS.values():
        signal(one)
    assert time.process_time() - start < 3
