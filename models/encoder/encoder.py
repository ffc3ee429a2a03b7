"""The transformer, as served: a Hugging Face tokenizer file and an ONNX graph giving a text's embedding and, where its top was fine-tuned,
one log-odds a policy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.ad import Ad
from adverdict.domain.identity import domain_key, word_key
from adverdict.features.text.normalise import normalise

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

FOLDER = "encoder"
GRAPH = f"{FOLDER}/model.onnx"
TOKENIZER = f"{FOLDER}/tokenizer.json"
LOGITS, EMBEDDING = "logits", "embedding"
"""What a graph gives."""
JOINED = re.compile(r"[_.\-]+")
MOST_KEYWORDS = 12
BATCH_TOKENS = 512
"""In one run: enough rows to keep the processor's multipliers busy, few enough for its states to stay in the cache."""
MOST_CHARACTERS = 2000
"""Of one field: far more than the tokens an encoder reads."""


def encoder_text(ad: Ad, prefix: str = "") -> str:
    """What the encoder reads: market, surface, format, category and landing domain as words, then the normalised text.

    An encoder reads a limited number of tokens, so what says most in the fewest words comes first: title, call to action, keywords, body.
    ``prefix`` is what some encoders were trained to expect in front of a text, such as ``"query: "`` for E5.
    """
    facts = [ad.market, word_key(ad.surface), word_key(ad.creative_format), word_key(ad.creative_category), domain_key(ad.landing_domain)]
    words = " ".join(JOINED.sub(" ", fact).lower() for fact in facts if fact)
    keywords = ", ".join((ad.keywords or [])[:MOST_KEYWORDS])
    parts = (ad.title, ad.call_to_action, keywords, ad.body, ad.creative_ocr_text)
    return f"{prefix}{words} | " + "\n".join(normalise(part).text[:MOST_CHARACTERS] for part in parts if part)


@dataclass
class Work:
    """What an encoder has done since it was loaded."""

    texts: int = 0
    """Asked for."""
    read: int = 0
    """Of those, read: equal texts beside each other are read once."""
    tokens: int = 0
    """In the texts that were read."""


@dataclass(frozen=True)
class EncoderModel:
    """What a transformer makes of text alone. One ad's score never depends, in any digit, on the ads scored beside it.

    So texts share a run only where they are equally long, and nothing is padded: every product then sums each row in the order it has by
    itself, and in an int8 graph (``training.encoder.quantise``) each token has a scale of its own.
    """

    session: InferenceSession
    tokenizer: Tokenizer
    work: Work = field(default_factory=Work)

    def run(self, texts: Sequence[str]) -> tuple[NDArray[np.float64] | None, NDArray[np.float32]]:
        """Log-odds of the tuned heads, ``float64 (n_texts, n_policies)``, None of an untuned one; the untouched model's embedding,
        ``float32 (n_texts, width)``.

        Texts longer than the tokenizer's limit are cut there.
        """
        widths = {output.name: output.shape[1] for output in self.session.get_outputs()}
        masked = len(self.session.get_inputs()) > 1  # graphs of before November 2026 ask which tokens are padding: none ever is
        tokens, of_text = _distinct(encoding.ids for encoding in self.tokenizer.encode_batch(list(texts)))
        out = {name: np.empty((len(tokens), width), dtype=np.float32) for name, width in widths.items()}
        for rows in batches([len(ids) for ids in tokens]):
            ids = np.array([tokens[row] for row in rows], dtype=np.int64)
            given = {"input_ids": ids, "attention_mask": np.ones_like(ids)} if masked else {"input_ids": ids}
            for name, values in zip(widths, self.session.run(None, given), strict=True):
                out[name][rows] = values
        self.work.texts += len(texts)
        self.work.read += len(tokens)
        self.work.tokens += sum(map(len, tokens))
        logits = out[LOGITS][of_text].astype(np.float64) if LOGITS in out else None
        return logits, out[EMBEDDING][of_text]

    @classmethod
    def load(cls, folder: Path, n_policies: int, max_tokens: int) -> EncoderModel:
        """Raises ValueError when the graph's log-odds are not one a policy."""
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one ad, one core: workers scale, and sums stay in one order
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession((folder / GRAPH).read_bytes(), options, providers=["CPUExecutionProvider"])
        widths = {output.name: output.shape[1] for output in session.get_outputs()}
        if widths.get(LOGITS, n_policies) != n_policies or EMBEDDING not in widths:
            raise ValueError(f"{GRAPH}: outputs {widths}, expected an embedding, and log-odds of {n_policies} policies if any")
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        return cls(session, tokenizer)


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of equal length, up to ``BATCH_TOKENS`` tokens together or one row; each row once, the longest first."""
    alike: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        alike.setdefault(length, []).append(row)
    for length, rows in sorted(alike.items(), reverse=True):
        size = max(1, BATCH_TOKENS // max(1, length))
        yield from (rows[start : start + size] for start in range(0, len(rows), size))


def _distinct(encoded: Iterable[list[int]]) -> tuple[list[tuple[int, ...]], list[int]]:
    """The different token sequences, and which of them each text is."""
    known: dict[tuple[int, ...], int] = {}
    of_text = [known.setdefault(tuple(ids), len(known)) for ids in encoded]
    return list(known), of_text
