"""A text as the mean of its words: each word's static vector comes from the token table of a pretrained encoder, none of whose layers run.

A table has seen more language than any pack of ads: words that no labelled ad said lie near words that some did. Kept word by word, reading
a text is looking words up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from adverdict.features.native import core
from adverdict.features.text.points import reader

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FOLDER = "vectors"
TABLE = f"{FOLDER}/table.safetensors"
TOKENIZER = f"{FOLDER}/tokenizer.json"
WORD = re.compile(r"\w{1,24}")
"""Letters and figures; a longer run of them, as scripts without spaces have, piece by piece. No signs: one strewn between all words would
carry a text wherever it likes."""
WORDS_KEPT = 65_536
"""Whose vectors are kept: 20 MB with their names, whatever comes."""


@dataclass(frozen=True)
class WordVectors:
    """``table`` is ``int8 (n_tokens, width)``, whose row i times ``scale[i]``, ``float32 (n_tokens,)``, is token i's share of a text;
    ``centre`` ``float32 (width,)`` is the mean text of training. ``name`` says whose table it is."""

    name: str
    tokenizer: Tokenizer
    table: NDArray[np.int8]
    scale: NDArray[np.float32]
    centre: NDArray[np.float32]
    _known: _Known = field(default_factory=lambda: _Known({}, np.empty((0, 0), dtype=np.float32)), init=False, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @property
    def width(self) -> int:
        return len(self.centre)

    def of(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Direction of each normalised text from the mean one, ``float64 (n_texts, width)`` of unit length; zeros for one without a word.

        A text's vector never depends, in any digit, on the texts beside it or before it.
        """
        out = np.zeros((len(texts), self.width))
        total = self._totals(texts)
        said = np.flatnonzero(total[:, -1])
        total = total[said]
        away = (total[:, :-1] / total[:, -1:] - self.centre).astype(np.float64)
        length = np.sqrt((away * away).sum(axis=1))
        out[said] = away / np.where(length, length, 1.0)[:, None]
        return out

    def _totals(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Of each text the sum of its words' tokens and, last, how many they are, ``float32 (n_texts, width + 1)``."""
        totals = np.zeros((len(texts), self.width + 1), dtype=np.float32)
        for total, text in zip(totals, texts, strict=True):
            known = self._known
            if core() is not None and known.places and not reader().sum_rows(text, known.places, known.rows, total):
                continue
            if words := WORD.findall(text):  # some are not known yet, or Python does it
                total[:] = self._rows(words).sum(axis=0)
        return totals

    def _rows(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Of each word the sum of its tokens and, last, how many they are."""
        known = self._known
        try:
            return known.rows.take([*map(known.places.__getitem__, words)], axis=0)
        except KeyError:
            known = self._with(words)
            return known.rows.take([*map(known.places.__getitem__, words)], axis=0)

    def _with(self, words: Sequence[str]) -> _Known:
        """What is kept, these words among it. What others read meanwhile is never changed: new words get new rows, or a table of their own
        where there is no room."""
        with self._lock:
            known = self._known
            new = [word for word in dict.fromkeys(words) if word not in known.places]
            if len(known.places) + len(new) > len(known.rows):
                new = [*dict.fromkeys(words)]
                known = _Known({}, np.empty((max(WORDS_KEPT, len(new)), self.width + 1), dtype=np.float32))
            start = len(known.places)
            for row, word in enumerate(new, start):  # one by one: a batch wakes threads, which costs more than a few words
                ids = self.tokenizer.encode(word, add_special_tokens=False).ids
                known.rows[row, :-1] = (self.table[ids].astype(np.float32) * self.scale[ids, None]).sum(axis=0)
                known.rows[row, -1] = len(ids)
            known.places.update({word: row for row, word in enumerate(new, start)})
            object.__setattr__(self, "_known", known)  # a cache: what the model says is the same with it and without
            return known

    def save(self, folder: Path) -> None:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        save_file({"table": self.table, "scale": self.scale, "centre": self.centre}, folder / TABLE, {"name": self.name})
        self.tokenizer.save(str(folder / TOKENIZER), pretty=False)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """None: there are none in the bundle. Raises ValueError when the tensors do not fit each other or the tokenizer."""
        if not (folder / TABLE).is_file():
            return None
        from tokenizers import Tokenizer

        with safe_open(folder / TABLE, framework="numpy") as file:
            name = (file.metadata() or {}).get("name", "")
            table, scale, centre = (file.get_tensor(part) for part in ("table", "scale", "centre"))
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        n, width = table.shape
        if scale.shape != (n,) or centre.shape != (width,) or tokenizer.get_vocab_size() > n:
            raise ValueError(f"{TABLE}: tensors that do not fit {n} tokens of {width} numbers, or a tokenizer that knows more tokens")
        return cls(name, tokenizer, table, scale, centre)


@dataclass(frozen=True)
class _Known:
    """Words by their row of ``rows``, ``float32 (room, width + 1)``."""

    places: dict[str, int]
    rows: NDArray[np.float32]
