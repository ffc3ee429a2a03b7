"""A text's vector: the same in any company and after being kept, alike for words that are alike, nothing where there is no word."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from adverdict.domain.errors import InvalidSettings, NotFound
from adverdict.models import vectors
from adverdict.models.vectors import TABLE, WordVectors
from adverdict.training.encoder import tables
from adverdict.training.encoder.tables import token_table
from adverdict.training.fit.vectors import fit_vectors

TEXTS = [
    "free money now, win big",
    "fresh bread from the baker",
    "win money fast",
    "bread and butter",
    "a bakery near you",
    "cash prizes for winners",
    "",
    " ",
]
LEARNT = [f"{first} {second} {third}" for first in TEXTS[:6] for second in ("today", "here", "for you") for third in ("now", "soon", "")]


@pytest.fixture(scope="module")
def words() -> WordVectors:
    return fit_vectors(token_table("minilm"), LEARNT, 8)


def test_an_ad_alone_has_the_vector_it_has_among_others(words: WordVectors, tmp_path: Path) -> None:
    together = words.of(TEXTS)
    assert together.shape == (8, 8)
    for row, text in enumerate(TEXTS):
        assert (words.of([text]) == together[[row]]).all()
    words.save(tmp_path)
    kept = WordVectors.load(tmp_path)
    assert kept is not None
    assert kept.name == "minilm"
    assert (kept.of(TEXTS[::-1])[::-1] == together).all()


def test_it_points_where_texts_alike_do_and_nowhere_without_a_word(words: WordVectors) -> None:
    found = words.of(TEXTS)
    assert (found[6:] == 0).all()
    np.testing.assert_allclose((found[:6] ** 2).sum(axis=1), 1)
    money, bread = words.of(["win a prize of money", "butter on fresh bread"])
    assert money @ found[2] > bread @ found[2]
    assert bread @ found[3] > money @ found[3]


def test_signs_strewn_between_words_move_nothing(words: WordVectors) -> None:
    plain, strewn = words.of(["win money fast", "win \U0001f600 money !!! fast \u2605"])
    assert (plain == strewn).all()


def test_forgetting_words_changes_nothing(words: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    together = words.of(TEXTS)
    monkeypatch.setattr(vectors, "WORDS_KEPT", 3)
    few = fit_vectors(token_table("minilm"), LEARNT, 8)
    assert (few.of(TEXTS) == together).all()
    assert (few.of(TEXTS[::-1])[::-1] == together).all()


def test_threads_read_while_others_learn_words(words: WordVectors) -> None:
    texts = [f"offer{i} number{i % 7} words{i % 31}" for i in range(400)]
    expected = fit_vectors(token_table("minilm"), LEARNT, 8).of(texts)
    wrong: list[int] = []

    def read(start: int) -> None:
        order = np.roll(np.arange(len(texts)), start)
        for row in order.tolist():
            if not (words.of([texts[row]])[0] == expected[row]).all():
                wrong.append(row)

    threads = [threading.Thread(target=read, args=(start,)) for start in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_table_that_is_not_here_is_not_replaced_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        token_table(str(tmp_path))
    token_table.cache_clear()
    monkeypatch.setattr(tables, "E5_PACKAGE", "no_such_package")
    with pytest.raises(NotFound, match="--vectors minilm"):
        token_table("multilingual")


def test_a_package_with_another_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    token_table.cache_clear()
    monkeypatch.setattr(tables, "E5_SHA256", "0" * 64)
    with pytest.raises(InvalidSettings, match="sha256"):
        token_table("multilingual")


def test_the_multilingual_table_puts_words_of_one_meaning_together() -> None:
    table = token_table("multilingual")
    assert table.n_tokens == 250_037
    several = {"bread": "brot", "money": "geld", "water": "wasser"}
    rows = {word: _mean(table, word) for pair in several.items() for word in pair}
    for english, german in several.items():
        others = [rows[other] for other in several.values() if other != german]
        assert all(rows[english] @ rows[german] > rows[english] @ other for other in others)


def _mean(table: tables.TokenTable, word: str) -> np.ndarray:
    mean = table.rows(np.array(table.tokenizer.encode(word, add_special_tokens=False).ids)).mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def test_tensors_that_do_not_fit_are_refused(words: WordVectors, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    words.save(tmp_path)
    tensors = load_file(tmp_path / TABLE)
    for broken in ({"scale": tensors["scale"][:-1].copy()}, {"centre": tensors["centre"][:-1].copy()}):
        save_file({**tensors, **broken}, tmp_path / TABLE)
        with pytest.raises(ValueError, match=TABLE):
            WordVectors.load(tmp_path)
    few = {"table": tensors["table"][:100].copy(), "scale": tensors["scale"][:100].copy(), "centre": tensors["centre"]}
    save_file(few, tmp_path / TABLE)
    with pytest.raises(ValueError, match="knows more tokens"):
        WordVectors.load(tmp_path)


def test_a_training_without_its_table_stops_before_it_reads_an_ad(tmp_path: Path) -> None:
    from adverdict.domain.progress import Silent
    from adverdict.domain.settings import Settings
    from adverdict.training.fit.prepared import FitSettings
    from adverdict.training.fit.vectors import VectorSettings
    from adverdict.training.train import TrainJob, train

    settings = FitSettings(encoder=None, vectors=VectorSettings(str(tmp_path / "nowhere")))
    with pytest.raises(NotFound, match="no such folder"):
        train(TrainJob([tmp_path / "no pack either"], Settings(home=tmp_path), fit=settings), Silent())
