"""Exports a transformer as one ONNX graph: its first layers untouched and, where that is asked for, its top fine-tuned."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.progress import Progress, point
from adverdict.models.encoder.encoder import EMBEDDING, GRAPH, LOGITS, TOKENIZER
from adverdict.training.encoder.prefix_cache import PrefixCache, Pretrained, mixed_precision, through
from adverdict.training.encoder.quantise import quantise
from adverdict.training.encoder.static_shapes import settle_shapes

if TYPE_CHECKING:
    import torch
    from torch import nn


EXAMPLES = 256
"""Texts whose states set the ranges of int8: seconds of work, and what more of them would add is rare."""


@dataclass(frozen=True)
class EncoderSettings:
    """Which encoder reads a text, ``max_tokens`` of it, and into how many directions of its states (``width``).

    With ``tune`` its top ``layers`` are fine-tuned as well, for at most ``epochs``: training stops when the validation loss has not fallen
    for one. They get the states of the first ``tuned_tokens``, which by then know of the rest.
    """

    source: str
    tune: bool = False
    width: int = 64
    epochs: int = 2
    layers: int = 1
    max_tokens: int = 128
    tuned_tokens: int = 64
    prefix: str = ""
    batch: int = 32
    layer_rate: float = 1e-4
    head_rate: float = 1e-3
    dropout: float = 0.1
    weight_decay: float = 0.01
    device: str = "auto"
    """As in ``training.encoder.device``."""
    int8: bool = True
    """Serve large products in int8: twice as fast, and a quarter of the size but for the embedding table."""


def fit_encoder(
    pretrained: Pretrained,
    cache: PrefixCache,
    targets: NDArray[np.float64],
    train: NDArray[np.intp],
    validation: NDArray[np.intp],
    settings: EncoderSettings,
    seed: int,
    progress: Progress,
    part: str = "all",
) -> Any:
    """A trained top (a ``torch.nn.Module``), from the epoch with the lowest loss on ``validation``.

    ``cache`` and ``targets`` have one row an ad, ``targets`` is ``float64 (n_ads, n_policies)`` with NaN for unlabelled, which the loss
    leaves out; ``train`` and ``validation`` are rows. ``part``: what of the ads ``train`` is, in the name of the curve of losses.
    The head starts from a logistic regression on the untouched model's embeddings, so that tuning refines features that already fit the
    task instead of distorting them (Kumar et al. 2022, arXiv 2202.10054).
    """
    import torch

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    device = pretrained.device
    top = _top(pretrained, targets.shape[1], settings)
    _probe_first(top, cache, targets, train)
    top.to(device)
    steps = max(1, settings.epochs * -(-len(train) // settings.batch))
    optimiser = torch.optim.AdamW(
        [{"params": top.layers.parameters(), "lr": settings.layer_rate}, {"params": top.head.parameters(), "lr": settings.head_rate}],
        weight_decay=settings.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (0.1 * steps), max(0.0, (steps - step) / (0.9 * steps)))
    )
    best, kept = validation_loss(top, cache, targets, validation, device), copy.deepcopy(top.state_dict())
    judged = np.isfinite(best)  # without labels to judge by, all epochs run and the last one stays
    if judged:
        point(progress, f"encoder.loss.{part}", best, 0)
    for epoch in range(settings.epochs):
        top.train()
        for rows in _batches(np.minimum(cache.lengths, settings.tuned_tokens), train, settings.batch, rng):
            optimiser.zero_grad()
            _loss(top, cache, targets, rows, device).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(top.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            progress.advance(len(rows))
        loss = validation_loss(top, cache, targets, validation, device)
        if judged:
            point(progress, f"encoder.loss.{part}", loss, epoch + 1)
        if judged and not loss < best:
            break
        best, kept = loss, copy.deepcopy(top.state_dict())
    top.load_state_dict(kept)
    return top.to("cpu").eval()


def encoder_logits(top: Any, cache: PrefixCache, rows: NDArray[np.intp], device: torch.device) -> NDArray[np.float64]:
    """Log-odds of the cached texts ``rows``, ``float64 (n_rows, n_policies)``."""
    import torch

    top.to(device).eval()
    out = np.empty((len(rows), top.head.out_features), dtype=np.float64)
    order = np.argsort(-cache.lengths[rows], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            some = order[start : start + 64]
            hidden, mask = cache.batch(rows[some], top.tokens)
            out[some] = top(hidden.to(device), mask.to(device)).float().cpu().numpy()
    top.to("cpu")
    return out


def validation_loss(top: Any, cache: PrefixCache, targets: NDArray[np.float64], rows: NDArray[np.intp], device: torch.device) -> float:
    """Mean binary cross-entropy over the labels of ``rows``, in nats; infinite when there are none."""
    import torch

    if not len(rows) or np.isnan(targets[rows]).all():
        return float("inf")
    logits = torch.from_numpy(encoder_logits(top, cache, rows, device))
    top.to(device)
    said = torch.from_numpy(targets[rows])
    known = ~torch.isnan(said)
    return float(torch.nn.functional.binary_cross_entropy_with_logits(logits[known], said[known]))


def export(
    pretrained: Pretrained, depth: int, top: Any | None, settings: EncoderSettings, folder: Path, examples: Sequence[str] = ()
) -> None:
    """Write ``encoder/model.onnx``, in int8 unless ``settings`` say otherwise, and ``encoder/tokenizer.json`` into a bundle's folder.

    The graph reads texts of equal length: ``input_ids``, ``int64 (n_texts, n_tokens)``, without padding, and gives their ``embedding``:
    the mean state after ``depth`` layers, ``float32 (n_texts, width)``; with a tuned ``top`` its ``logits`` as well. From ``examples``,
    texts such as will be scored, int8 takes the ranges of its states; it reads ``EXAMPLES`` of them, evenly spread. Without any it is
    slower.
    """
    import onnx
    import torch

    (folder / GRAPH).parent.mkdir(parents=True, exist_ok=True)
    names = [EMBEDDING] if top is None else [LOGITS, EMBEDDING]
    with warnings.catch_warnings():
        # The exporter without TorchDynamo needs no further packages; it announces its age on every call.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _whole(pretrained, depth, top),
            (torch.ones((2, 8), dtype=torch.long),),
            str(folder / GRAPH),
            input_names=["input_ids"],
            output_names=names,
            dynamic_axes={"input_ids": {0: "ads", 1: "tokens"}, **{name: {0: "ads"} for name in names}},
            opset_version=17,
            dynamo=False,
        )
    graph = onnx.load(str(folder / GRAPH))
    settle_shapes(graph)
    onnx.save(graph, str(folder / GRAPH))
    tokenizer = pretrained.tokenizer.backend_tokenizer
    tokenizer.no_padding()
    tokenizer.enable_truncation(settings.max_tokens)
    tokenizer.save(str(folder / TOKENIZER))
    if settings.int8:
        quantise(folder / GRAPH, [one.ids for one in tokenizer.encode_batch(spread(examples))])


def spread(texts: Sequence[str]) -> list[str]:
    """``EXAMPLES`` of them from the first to nearly the last, at even distances; all where there are no more."""
    n = min(len(texts), EXAMPLES)
    return [texts[place * len(texts) // n] for place in range(n)]


def _top(pretrained: Pretrained, n_policies: int, settings: EncoderSettings) -> Any:
    import torch
    from torch import nn

    class Top(nn.Module):
        """The layers being trained, mean pooling, and one linear output a policy."""

        def __init__(self, layers: nn.ModuleList, width: int) -> None:
            super().__init__()
            self.layers = layers
            self.norm = nn.LayerNorm(width, elementwise_affine=False)
            self.drop = nn.Dropout(settings.dropout)
            self.tokens = settings.tuned_tokens
            self.head = nn.Linear(width, n_policies)

        def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            blocked = torch.zeros(mask.shape, dtype=hidden.dtype, device=hidden.device).masked_fill(~mask, -1e4)[:, None, None, :]
            return self.judge(through(self.layers, hidden, blocked), mask)

        def judge(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            pooled = self.drop(self.norm(_mean(hidden, mask)))
            # One row at a time: a matrix product over a batch would sum in another order for one text than for two.
            return (pooled[:, None, :] * self.head.weight).sum(-1) + self.head.bias  # type: ignore[no-any-return]

    layers = copy.deepcopy(pretrained.layers[-pretrained.n_tuned :])
    for module in layers.modules():
        if isinstance(module, nn.Dropout):
            module.p = settings.dropout
    return Top(layers, pretrained.model.config.hidden_size)


def _probe_first(top: Any, cache: PrefixCache, targets: NDArray[np.float64], train: NDArray[np.intp]) -> None:
    """Start each head at a logistic regression on the untouched embeddings."""
    import torch
    from sklearn.linear_model import LogisticRegression

    embedded = cache.embedding[train, -1].astype(np.float64)  # the last layer's
    embedded = (embedded - embedded.mean(1, keepdims=True)) / embedded.std(1, keepdims=True)  # what ``Top.norm`` does
    mean, scale = embedded.mean(0), embedded.std(0) + 1e-6
    torch.nn.init.zeros_(top.head.weight)
    torch.nn.init.zeros_(top.head.bias)
    for policy in range(targets.shape[1]):
        said = targets[train, policy]
        violating, innocent = np.flatnonzero(said > 0), np.flatnonzero(said < 1)  # a row with NaN is neither
        rows = np.concatenate([violating, innocent])
        answer = np.repeat([1, 0], [len(violating), len(innocent)])
        weight = np.concatenate([said[violating], 1 - said[innocent]])
        if len(violating) == 0 or len(innocent) == 0:
            continue
        probe = LogisticRegression(C=0.003, max_iter=300).fit((embedded[rows] - mean) / scale, answer, sample_weight=weight)
        slope = probe.coef_[0] / scale
        top.head.weight.data[policy] = torch.from_numpy(slope).float()
        top.head.bias.data[policy] = float(probe.intercept_[0] - slope @ mean)


def _loss(top: Any, cache: PrefixCache, targets: NDArray[np.float64], rows: NDArray[np.intp], device: torch.device) -> torch.Tensor:
    import torch

    hidden, mask = cache.batch(rows, top.tokens)
    said = torch.from_numpy(targets[rows]).float().to(device)
    known = ~torch.isnan(said)
    with mixed_precision(device.type):
        logits = top(hidden.to(device), mask.to(device))
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float()[known], said[known], reduction="sum")
    return loss / len(rows)


def _batches(lengths: NDArray[np.int64], rows: NDArray[np.intp], size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Batches of near-equal lengths, in random order: little padding, and no batch is ever the same twice."""
    order = rows[np.argsort(lengths[rows] + rng.uniform(0, 24, len(rows)), kind="stable")]
    starts = np.arange(0, len(order), size)
    for start in rng.permutation(starts):
        yield order[start : start + size]


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean state over a text's tokens, ``(n_texts, width)``. As a product for each text, which sums alike however many there are."""
    weight = mask[:, None, :].to(hidden.dtype)
    return ((weight / weight.sum(2, keepdim=True)) @ hidden)[:, 0, :]


def _whole(pretrained: Pretrained, depth: int, top: Any | None) -> nn.Module:
    """What is exported, in one module: no layer that nothing is read after."""
    import torch
    from torch import nn

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            model = copy.deepcopy(pretrained.model)
            self.embeddings = model.embeddings
            self.read = model.encoder.layer[:depth]
            self.further = model.encoder.layer[depth : len(pretrained.layers) - pretrained.n_tuned] if top is not None else None
            self.top = top

        def forward(self, input_ids: torch.Tensor) -> Any:
            present = torch.ones_like(input_ids)
            hidden = through(self.read, self.embeddings(input_ids=input_ids), None)
            embedding = _mean(hidden, present)
            if self.top is None:
                return embedding
            tuned = through(self.top.layers, through(self.further, hidden, None)[:, : self.top.tokens], None)
            return self.top.judge(tuned, present[:, : self.top.tokens]), embedding

    return Whole().eval()
