"""A pretrained encoder with what its frozen layers made of each text: made when first asked for, shared by folds and by trainings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

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
        self._cache: PrefixCache | None = None
        self._row: dict[str, int] = {}

    @cached_property
    def pretrained(self) -> Pretrained:
        chosen = self.settings
        return load_pretrained(chosen.source, chosen.layers if chosen.tune else 0, chosen.max_tokens, chosen.device)

    def of(self, texts: Sequence[str], progress: Progress) -> PrefixCache:
        """One entry a text, in order; the frozen layers run anew when a text is missing."""
        if self._cache is None or any(text not in self._row for text in texts):
            later = [encoder_text(ad, self.settings.prefix) for ad in self._ads]
            wanted = list(dict.fromkeys([*texts, *later]))
            progress.stage("encoder, frozen layers", len(wanted))
            self._cache = build_cache(self.pretrained, wanted, self.settings.max_tokens, progress, self._disk_cache)
            self._row = {text: row for row, text in enumerate(wanted)}
        return self._cache.take(np.array([self._row[text] for text in texts], dtype=np.intp))
