"""The words are ambiguous on purpose, complete in every language, and hidden in known ways."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.simulation.copy import COPY, LANGUAGES
from adverdict.simulation.copy.compose import DRAWS, EDITED, Brief, compose
from adverdict.simulation.copy.pack import TOPICS
from adverdict.simulation.obfuscate import METHODS, obfuscate

DRAW = st.lists(st.integers(0, 2**32 - 1), min_size=DRAWS, max_size=DRAWS)
BRIEF = st.builds(
    Brief, subject=st.integers(-1, 7), stance=st.integers(0, 2), brand=st.just("Velmora"), company=st.just("Fenholm"), late=st.booleans()
)


@given(language=st.sampled_from(LANGUAGES), brief=BRIEF, draws=DRAW)
def test_an_ad_is_complete_in_every_language(language: str, brief: Brief, draws: list[int]) -> None:
    words = compose(COPY[language], brief, draws)
    everything = [words.title, words.call, *words.sentences, *words.keywords]
    assert all(everything)
    assert not any(brace in text for text in everything for brace in "{}|")
    assert (words.key_sentence in words.sentences) == (brief.subject >= 0)


@given(language=st.sampled_from(LANGUAGES), subject=st.integers(0, 7), draws=DRAW)
def test_an_edit_leaves_what_is_offered(language: str, subject: int, draws: list[int]) -> None:
    edited = [draw + 1 if number in EDITED else draw for number, draw in enumerate(draws)]
    brief = Brief(subject, 2, "Velmora", "Fenholm", late=False)
    before, after = (compose(COPY[language], brief, version) for version in (draws, edited))
    assert before.title == after.title
    topic = COPY[language].topics[TOPICS[subject]]
    named = [phrase for phrase in (*topic.yes, *topic.no, *topic.blunt) if phrase.lower() in before.key_sentence.lower()]
    assert [phrase for phrase in named if phrase.lower() not in after.key_sentence.lower()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_promise_has_an_honest_twin_of_the_same_words(language: str) -> None:
    """Swapping what a frame promises and denies turns an offer into a denial without changing the bag of letters."""
    for frame in COPY[language].relation:
        for topic in COPY[language].topics.values():
            filled = [frame.format(yes=a, no=b, f="", g="") for a, b in ((topic.yes[0], topic.no[0]), (topic.no[0], topic.yes[0]))]
            assert filled[0] != filled[1]
            assert Counter(filled[0]) == Counter(filled[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_knows_every_subject(language: str) -> None:
    assert set(COPY[language].topics) == set(TOPICS)
    for topic in COPY[language].topics.values():
        assert min(map(len, (topic.offers, topic.yes, topic.no))) >= 3
        assert min(map(len, (topic.blunt, topic.late))) >= 2
        assert not set(topic.yes) & set(topic.no)


@given(language=st.sampled_from(LANGUAGES), draw=st.integers(0, 2**32 - 1), subject=st.integers(0, 7))
def test_hidden_words_differ_from_the_plain_ones(language: str, draw: int, subject: int) -> None:
    text = COPY[language].topics[TOPICS[subject]].blunt[0]
    hidden, method = obfuscate(text, language, draw)
    assert hidden != text
    assert method in METHODS


@pytest.mark.parametrize(
    ("text", "method", "undone"),
    [
        ("cash prizes", "zero_width", lambda text: text.translate(dict.fromkeys(map(ord, "\u200b\u200c\u2060\ufeff")))),
        ("instant riches", "leet", lambda text: text.translate(str.maketrans("@310$7", "aeiost"))),
        ("guaranteed profit", "letter_spacing", lambda text: text.replace(" ", "").replace("guaranteed", "guaranteed ")),
        ("instant riches", "confusables", lambda text: text.translate(str.maketrans("асеіорхукո", "aceiopxykn")).replace("κ", "k")),
    ],
)
def test_a_reader_can_undo_each_method(text: str, method: str, undone) -> None:  # type: ignore[no-untyped-def]
    hidden, used = obfuscate(text, "en", METHODS.index(method))
    assert used == method
    assert undone(hidden) == text
