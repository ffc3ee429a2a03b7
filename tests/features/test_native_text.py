"""The native core reads texts as Python does: what it makes plain, what it counts, which words it finds."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from adverdict.features.native import core, pure_python
from adverdict.features.text.counted import count, count_by_reference
from adverdict.features.text.normalise import _already_plain, _normalise
from adverdict.features.text.points import FLAGS, PAGE, POINT, _page, reader
from adverdict.features.text.traits import _grams
from adverdict.models.vectors import WordVectors
from tests.effort import examples

pytestmark = pytest.mark.skipif(core() is None, reason="the native core is not installed: make native")

SAID = """
Free MONEY www. http:// x.com a.b.co.uk cl1ck v14gr4 ca$h fr33 !!! aaa iii @user user@mail.com (at) [email] 24h 4k h2o 50% $5 € 5 a-b-c
f r e e b.u.y don't it’s é été Ñandú żółć ĐÀÓ Straße IJ ǅ ŉ ﬁ № ½ ² Ⅷ ₽ देखो खेल 中文 한국어 ไทย العربية עברית Привет Рaypal Ελλάς
ΣΑΣ ıI İ &amp; &#105; <b> <phone> < & 😀 👍🏽 #tag ٪ ％ ！ ？ 。 … \u200d \u200b \u0301 \u202e \ufe0f 𝐟𝐫𝐞𝐞 ⓕⓡⓔⓔ
"""
PIECES = [*SAID.split(), "\u00a0"]
"""Honest and disguised, in scripts of every kind."""
said = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(["", " ", " ", "\n", "\t", "."])), max_size=12).map(
    lambda pieces: "".join(piece + sign for piece, sign in pieces)
)
latin = st.text("abeiosu zéèàóñ013@$!.-'\n", max_size=60)
anything = said | latin | st.text(max_size=80)


def of_both(work: Callable[[], object]) -> tuple[object, object]:
    with pure_python():
        by_python = work()
    return work(), by_python


@given(raw=anything | st.text(st.characters(), max_size=30))
@examples(300)
def test_any_text_has_the_same_plain_reading(raw: str) -> None:
    natively, by_python = of_both(lambda: _normalise(raw))
    assert natively == by_python


@given(raw=anything)
@examples(300)
def test_what_is_plain_at_once_is_what_python_finds_plain(raw: str) -> None:
    found = reader().plain_text(raw)
    plain = _already_plain(raw)
    if isinstance(found, str):
        assert found == plain
    elif found is not None:
        assert plain in (None, *found)


@given(raw=anything, text=anything)
@examples(300)
def test_the_same_is_counted_of_any_text(raw: str, text: str) -> None:
    assert count(raw, text) == count_by_reference(raw, text)


def test_the_same_is_counted_of_a_long_text_in_many_scripts() -> None:
    text = " ".join(map(" ".join, product(PIECES, repeat=2)))
    assert count(text, text.lower()) == count_by_reference(text, text.lower())


@given(raw=anything, own=st.frozensets(st.sampled_from(["free", "été", "привет", "0", "user"])))
def test_any_text_has_the_same_traits_but_for_its_own_name(raw: str, own: frozenset[str]) -> None:
    text = _normalise(raw).text
    natively, by_python = of_both(lambda: _grams(text, own).tolist())
    assert natively == by_python


@given(texts=st.lists(anything, min_size=1, max_size=4))
def test_any_texts_have_the_same_vectors(vectors: WordVectors, texts: list[str]) -> None:
    texts = [_normalise(text).text for text in texts]
    natively, by_python = of_both(lambda: vectors.of(texts).tolist())
    assert natively == by_python


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    rng, words = np.random.default_rng(2), ["[UNK]", *dict.fromkeys(piece.lower() for piece in PIECES)]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    table = rng.integers(-127, 128, (len(words), 64)).astype(np.int8)
    return WordVectors("test", tokenizer, table, rng.random(len(words), dtype=np.float32), rng.normal(size=64).astype(np.float32))


def test_no_character_that_joins_another_is_taken_for_plain() -> None:
    seconds = {
        parts[1]
        for point in range(sys.maxunicode + 1)
        if (told := unicodedata.decomposition(chr(point))) and len(parts := told.split()) == 2 and told[0] != "<"
    }
    joining = {int(second, 16) for second in seconds} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    pages = {number: np.frombuffer(_page(number), dtype=POINT)["flags"] for number in {point // PAGE for point in joining}}
    assert [hex(point) for point in sorted(joining) if pages[point // PAGE][point % PAGE] >> FLAGS["plain"] & 1] == []
