"""The language reader says what ``py3langid`` says."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from adverdict.features.native import pure_python
from adverdict.features.text.language import LANGUAGES, READ, UNKNOWN, Reader, language_of

TEXTS = [
    "free money today, ask us on whatsapp",
    "köp billiga skor idag, bara i dag och bara här",
    "देखो नया खेल, आज ही मुफ्त",
    "Најбоље понуде за српске купце",
    "najbolje ponude za srpske kupce",
    "SALE SALE SALE NOW",
    "e\u0301te\u0301 a\u0300 la plage",
    "12345 67890 !!!",
    "\x01\x02",
    "",
    "今すぐ 無料 登録",
]


@pytest.fixture(scope="module")
def identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([tag for tag in LANGUAGES.split() if tag in identifier.labels])
    return identifier


@pytest.mark.parametrize("text", [*TEXTS, *(a + " " + b for a, b in pairwise(TEXTS))])
def test_a_text_reads_as_in_py3langid_in_every_digit(identifier: Any, text: str) -> None:
    with pure_python():  # the native core's digits beyond the second are its own
        assert Reader(identifier).read(text[:READ]) == identifier.classify(text[:READ])


def test_a_text_too_short_to_tell_is_of_no_language() -> None:
    assert language_of("hej på dig") == (UNKNOWN, 0.0)
