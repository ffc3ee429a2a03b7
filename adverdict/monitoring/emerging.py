"""New kinds of ads: phrases that suddenly many advertisers use, phrases of what people find bad and no model does, and a day on which
far more advertisers than before send what the model has hardly seen.

ads of a day -> phrases by distinct advertisers -> exact binomial tests against the weeks before, or against all ads -> a kind
  (false discovery rate)                                                                 phrases of the same advertisers are one kind

A burst is seen on its first day if about five advertisers of one language share it. What is rarer drowns among all ads, and does not
among the few that people marked as bad: there it is looked for over two weeks.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy import stats

from adverdict.domain.ad import Ad
from adverdict.features.text.view import view

DAYS = 28
"""Of the past that a day is compared with."""
MARKED_DAYS = 14
FEWEST, FEWEST_MARKED = 4, 3
"""Advertisers that must share a phrase of a day, or of what people marked: for personal data and chance alike."""
WANDER = 2.0
"""Times its rate of the past that a phrase may reach on an ordinary day."""
DISCOVERIES = 0.01
"""Of what is found, the share that is chance (Benjamini and Hochberg 1995)."""
SHARED = 0.5
"""Phrases are of one kind if at least this share of the rarer one's advertisers use both."""
YOUNG = 14
"""Days for which a language is left out: everything in it is new."""


@dataclass(frozen=True, slots=True)
class SeenAd:
    """What is kept of an ad: who sent it, its phrases, and whether people found it bad where no policy or model did."""

    ad_id: str
    advertiser: str
    language: str
    phrases: frozenset[str]
    marked: bool = False
    reported: bool = False
    """Whether viewers reported it who are believed."""
    strange: str | None = None
    """What the model has hardly seen of it, such as ``text`` or ``language:zh``; None: nothing, or it was not told."""

    @classmethod
    def of(cls, ad: Ad, *, marked: bool = False, reported: bool = False, strange: str | None = None) -> SeenAd:
        """Words and pairs of words of the normalised text; no numbers, which are new every day."""
        seen = view(ad)
        words = [word for word in seen.tokens if not word.isdigit()]
        language = ad.language.split("-")[0] if ad.language else seen.language[0]
        return cls(
            ad.ad_id, ad.advertiser_id, language, frozenset([*words, *(f"{a} {b}" for a, b in pairwise(words))]), marked, reported, strange
        )


@dataclass(frozen=True)
class Kind:
    """Phrases that came together."""

    language: str
    phrases: tuple[str, ...]
    """The likeliest first."""
    advertisers: int
    ads: tuple[str, ...]
    """Their ids."""
    by_marks: bool
    """Found among what people marked; else because so many use it."""
    p_value: float
    strange: str | None = None
    """Found because so many advertisers sent what the model has hardly seen, and what that is; its phrases are those they share."""
    share: float = 0.0
    """Of the day's advertisers, those that sent it; in [0, 1]. Of strange kinds alone, as what follows."""
    before: float = 0.0
    """The same of the days before."""


@dataclass
class _Language:
    """The past of one language: by day, phrase -> advertisers, and advertisers in all."""

    days: deque[tuple[Counter[str], int]] = field(default_factory=lambda: deque(maxlen=DAYS))
    total: Counter[str] = field(default_factory=Counter)
    advertisers: int = 0
    age: int = 0
    marked: deque[list[SeenAd]] = field(default_factory=lambda: deque(maxlen=MARKED_DAYS))
    reported: deque[list[SeenAd]] = field(default_factory=lambda: deque(maxlen=MARKED_DAYS))
    """Apart from those: what viewers report is mixed with what they are wrong about, and would drown what reviewers mark."""
    strange: deque[Counter[str]] = field(default_factory=lambda: deque(maxlen=DAYS))
    """By day, what was strange -> advertisers that sent it."""

    def learn(self, counted: Counter[str], advertisers: int) -> None:
        if len(self.days) == DAYS:
            oldest, n = self.days[0]
            self.total -= oldest
            self.advertisers -= n
        self.days.append((counted, advertisers))
        self.total += counted
        self.advertisers += advertisers
        self.age += 1

    def rate(self, phrase: str) -> float:
        """Of advertisers on a day of the past; a phrase never seen counts as half once."""
        return (self.total[phrase] + 0.5) / (self.advertisers + 1)

    def strange_rate(self, what: str) -> float:
        """The same of what the model had hardly seen."""
        return (sum(day[what] for day in self.strange) + 0.5) / (self.advertisers + 1)


class Watch:
    """The past of every language. Give it each day once, in order."""

    def __init__(self) -> None:
        self._past: defaultdict[str, _Language] = defaultdict(_Language)

    def day(self, ads: Iterable[SeenAd], marked: Iterable[SeenAd] = ()) -> list[Kind]:
        """The kinds that are new on this day; it becomes the past of the next. ``marked``: ads of any day that people marked or reported on
        this one, beside those of ``ads`` that are."""
        by_language: defaultdict[str, list[SeenAd]] = defaultdict(list)
        marks: defaultdict[str, list[SeenAd]] = defaultdict(list)
        for ad in ads:
            by_language[ad.language].append(ad)
        for ad in marked:
            marks[ad.language].append(ad)
        found = []
        for language in sorted({*by_language, *marks, *self._past}):
            found += self._language(language, by_language[language], marks[language])
        return found

    def _language(self, language: str, ads: Sequence[SeenAd], marks: Sequence[SeenAd]) -> list[Kind]:
        past, users = self._past[language], _users(ads)
        past.marked.append([*(ad for ad in ads if ad.marked), *(ad for ad in marks if ad.marked)])
        past.reported.append([*(ad for ad in ads if ad.reported), *(ad for ad in marks if ad.reported)])
        everybody = len({ad.advertiser for ad in ads})
        found: list[Kind] = []
        if past.age >= YOUNG:
            bursts = _significant({phrase: (len(who), everybody, WANDER * past.rate(phrase)) for phrase, who in users.items()}, FEWEST)
            found = _kinds(language, bursts, users, ads, by_marks=False)
            for days in (past.marked, past.reported):
                marked = [ad for day in days for ad in day]
                if not (ads or marks) or not marked:
                    continue
                of_marked, n = _users(marked), len({ad.advertiser for ad in marked})
                rare = _significant({phrase: (len(who), n, WANDER * past.rate(phrase)) for phrase, who in of_marked.items()}, FEWEST_MARKED)
                found += _kinds(language, rare, of_marked, marked, by_marks=True)
        strangers = _strangers(ads)
        if past.age >= YOUNG:
            found += _strange(language, past, strangers, ads, everybody)
        past.strange.append(Counter({what: len(who) for what, who in strangers.items()}))
        past.learn(Counter({phrase: len(who) for phrase, who in users.items()}), everybody)
        return found


def _strangers(ads: Iterable[SeenAd]) -> dict[str, set[str]]:
    """What the model had hardly seen -> advertisers that sent it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for ad in ads:
        if ad.strange is not None:
            found[ad.strange].add(ad.advertiser)
    return found


def _strange(language: str, past: _Language, strangers: Mapping[str, set[str]], ads: Sequence[SeenAd], everybody: int) -> Iterator[Kind]:
    """What far more advertisers sent than before, with the phrases that they share and others did not use."""
    tried = {what: (len(who), everybody, WANDER * past.strange_rate(what)) for what, who in strangers.items()}
    for what, p in sorted(_significant(tried, FEWEST).items(), key=lambda one: (one[1], one[0])):
        theirs = [ad for ad in ads if ad.strange == what]
        users, who = _users(theirs), strangers[what]
        shared = _significant({phrase: (len(of), len(who), WANDER * past.rate(phrase)) for phrase, of in users.items()}, FEWEST)
        phrases = tuple(sorted(shared, key=lambda one: (shared[one], -len(one), one)))
        ids = tuple(ad.ad_id for ad in theirs)
        before = past.strange_rate(what)
        yield Kind(language, phrases, len(who), ids, by_marks=False, p_value=p, strange=what, share=len(who) / everybody, before=before)


def _users(ads: Iterable[SeenAd]) -> dict[str, set[str]]:
    users: defaultdict[str, set[str]] = defaultdict(set)
    for ad in ads:
        for phrase in ad.phrases:
            users[phrase].add(ad.advertiser)
    return users


def _significant(counted: Mapping[str, tuple[int, int, float]], fewest: int) -> dict[str, float]:
    """The p-values of phrases used by more advertisers than (of how many, at which rate) lets chance explain."""
    tried = [(phrase, *one) for phrase, one in counted.items() if one[0] >= fewest]
    if not tried:
        return {}
    k, n, rate = (np.array([one[i] for one in tried], dtype=np.float64) for i in (1, 2, 3))
    p = stats.binom.sf(k - 1, n, np.minimum(rate, 1.0))
    kept = stats.false_discovery_control(p) <= DISCOVERIES
    return {tried[i][0]: float(p[i]) for i in np.flatnonzero(kept)}


def _kinds(
    language: str, found: Mapping[str, float], users: Mapping[str, set[str]], ads: Sequence[SeenAd], *, by_marks: bool
) -> list[Kind]:
    """Phrases with largely the same advertisers are one kind."""
    kinds: list[tuple[list[str], set[str]]] = []
    for phrase in sorted(found, key=lambda one: (found[one], -len(one), one)):
        who = users[phrase]
        home = next((kind for kind in kinds if len(kind[1] & who) >= SHARED * min(len(kind[1]), len(who))), None)
        if home is None:
            kinds.append(([phrase], set(who)))
        else:
            home[0].append(phrase)
            home[1].update(who)
    return [
        Kind(
            language,
            tuple(names),
            len(who),
            tuple(ad.ad_id for ad in ads if ad.advertiser in who and not ad.phrases.isdisjoint(names)),
            by_marks,
            found[names[0]],
        )
        for names, who in kinds
    ]
