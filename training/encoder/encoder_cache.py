"""A pretrained encoder with what its frozen layers made of each text: made when first asked for, shared by folds and by trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.ad import Ad
from adverdict.domain.progress import Progress
from adverdict.models.encoder.encoder import encoder_text
from adverdict.training.cache.disk_cache import DiskCache
from adverdict.training.encoder.prefix_cache import PrefixCache, Pretrained, build_cache, load_pretrained
from adverdict.training.encoder.tune import EncoderSettings


class EncoderCache:
    """The pretrained encoder and its frozen layers' output, made when first asked for and reused for texts seen before.

    ``ads`` are those whose texts will be asked for sooner or later: folds then share one run. ``disk_cache`` keeps what is made for the
    next training, and gives what one before has made.
    """

    def __init__(self, settings: EncoderSettings, ads: Sequence[Ad] = (), disk_cache: DiskCache | None = None) -> None:
        self.settings = settings
        self._ads = ads
        self._disk_cache = disk_cache
        self._kept: dict[tuple[int, ...], tuple[PrefixCache, dict[str, int]]] = {}

    @cached_property
    def pretrained(self) -> Pretrained:
        chosen = self.settings
        return load_pretrained(chosen.source, chosen.layers if chosen.tune else 0, chosen.max_tokens, chosen.device)

    def of(self, texts: Sequence[str], progress: Progress) -> PrefixCache:
        """One entry a text, in order; the frozen layers run anew when a text is missing."""
        return self._of(texts, self.pretrained, progress)

    def states(self, texts: Sequence[str], depths: tuple[int, ...], progress: Progress) -> NDArray[np.float32]:
        """Mean states ``float32 (n_texts, len(depths), width)`` after some of ``pretrained.depths``; no layer above them runs, unless top
        layers will be trained, which start from the last."""
        whole = self.pretrained
        if whole.n_tuned or depths == whole.depths:
            return self.of(texts, progress).embedding[:, [whole.depths.index(depth) for depth in depths]]
        return self._of(texts, replace(whole, some=depths), progress).embedding

    def _of(self, texts: Sequence[str], pretrained: Pretrained, progress: Progress) -> PrefixCache:
        cache, rows = self._kept.get(pretrained.depths, (None, {}))
        if cache is None or any(text not in rows for text in texts):
            # The others' states will be asked for, if at all, where these are.
            later = [encoder_text(ad, self.settings.prefix) for ad in self._ads] if len(self._ads) <= 2 * len(texts) else []
            deeper, rows = self._kept.get(self.pretrained.depths, (None, {})) if pretrained.some else (None, {})
            wanted = [text for text in dict.fromkeys([*texts, *later]) if text not in rows]
            progress.stage("encoder, frozen layers", len(wanted))
            cache = build_cache(pretrained, wanted, self.settings.max_tokens, progress, self._disk_cache)
            if deeper is not None:
                places = [self.pretrained.depths.index(depth) for depth in pretrained.depths]
                cache = cache.after(replace(deeper, embedding=deeper.embedding[:, places]))
            rows = {text: row for row, text in enumerate([*rows, *wanted])}
            self._kept[pretrained.depths] = cache, rows
        asked = [rows[text] for text in texts]
        return cache if asked == [*range(len(rows))] else cache.take(np.array(asked, dtype=np.intp))
