"""A component: a naive Bayes over the words of an ad's landing domain, one a policy, kept as JSON."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import numpy as np

SMOOTHING = 2.0
"""Advertisers of each kind that every word is taken to have been seen with besides: one says little."""
FEWEST = 3
"""Advertisers that a word must have been seen with: the name of one is no word."""


def words(ad: Any) -> list[str]:
    return sorted(set(re.findall("[a-z]{3,}", (ad.landing_domain or "").lower())))


@dataclass(frozen=True)
class Fitted:
    """By policy: log-odds of a violation without knowing a word, and what each word adds."""

    policies: tuple[str, ...]
    base: Sequence[float]
    adds: Sequence[Mapping[str, float]]

    def logits(self, ads: Sequence[Any], features: Any) -> Any:
        rows = [
            [base + sum(adds.get(word, 0.0) for word in words(ad)) for base, adds in zip(self.base, self.adds, strict=True)] for ad in ads
        ]
        return np.array(rows, dtype=np.float64).reshape(len(ads), len(self.base))

    def save(self, folder: Path) -> None:
        told = {"base": list(self.base), "adds": [dict(sorted(adds.items())) for adds in self.adds]}
        (folder / "landing_words.json").write_text(json.dumps(told, sort_keys=True))

    def in_words(self, ad: Any, policy: str) -> str:
        adds = self.adds[self.policies.index(policy)]
        known = [word for word in words(ad) if word in adds]
        if not known:
            return "its landing domain says nothing that is known"
        strongest = max(known, key=lambda word: abs(adds[word]))
        return f'its landing domain has "{strongest}" in it'


class LandingWords:
    version = "1"

    def fit(self, ads: Sequence[Any], features: Any, names: Sequence[str], targets: Any, policies: Sequence[str], seed: int) -> Fitted:
        found = [self._policy(ads, targets[:, column]) for column in range(len(policies))]
        return Fitted(tuple(policies), [base for base, _ in found], [adds for _, adds in found])

    def _policy(self, ads: Sequence[Any], said: Any) -> tuple[float, dict[str, float]]:
        """An advertiser counts once, with the mean of its ads: ads of one are no independent evidence."""
        shares: dict[str, list[float]] = defaultdict(list)
        holders: dict[str, set[str]] = defaultdict(set)
        for row in np.flatnonzero(~np.isnan(said)).tolist():
            shares[ads[row].advertiser_id].append(float(said[row]))
            for word in words(ads[row]):
                holders[word].add(ads[row].advertiser_id)
        of = {advertiser: sum(mine) / len(mine) for advertiser, mine in shares.items()}
        bad = SMOOTHING + sum(of.values())
        good = SMOOTHING + len(of) - sum(of.values())
        adds = {}
        for word, advertisers in sorted(holders.items()):
            if len(advertisers) >= FEWEST:
                in_bad = sum(of[one] for one in sorted(advertisers))
                in_good = len(advertisers) - in_bad
                share = bad / (bad + good)
                adds[word] = log((in_bad + SMOOTHING * share) / bad) - log((in_good + SMOOTHING * (1 - share)) / good)
        return log(bad / good), adds

    def load(self, folder: Path, policies: Sequence[str]) -> Fitted:
        told = json.loads((folder / "landing_words.json").read_text())
        if len(told["base"]) != len(policies) or len(told["adds"]) != len(policies):
            raise ValueError(f"landing_words.json does not fit {len(policies)} policies")
        return Fitted(tuple(policies), told["base"], told["adds"])


LANDING_WORDS = LandingWords()
