"""New kinds of ads: phrases that suddenly many advertisers use, phrases of what people find bad and no model does, and a day on which
far more advertisers than before send what the model has hardly seen.

ads of a day -> phrases by distinct advertisers -> exact binomial tests against the weeks before, or against all ads -> a kind
  (false discovery rate over all phrases of all languages)                               phrases of the same advertisers are one kind

A burst is seen on its first day, within hours if it is large, where about five advertisers of one language share it. What is rarer drowns
among all ads, and does not among the few that people marked as bad: there it is looked for over two weeks.
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
LOOKS = 4
"""At a day, while it comes: each may find so much of what is found by chance. A kind that comes in numbers need not wait for midnight."""
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

    def learn(self, today: _Today) -> None:
        """A day that is over."""
        counted, advertisers = Counter({phrase: len(who) for phrase, who in today.users.items()}), today.everybody
        self.marked.append(today.marked_today())
        self.reported.append(today.reported_today())
        self.strange.append(Counter({what: len(who) for what, who in today.strangers.items()}))
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


@dataclass(frozen=True, slots=True)
class _Today:
    """What came in one language on the day that is looked at, as far as it has come."""

    past: _Language
    ads: list[SeenAd]
    marks: list[SeenAd]
    users: Mapping[str, set[str]]
    strangers: Mapping[str, set[str]]
    everybody: int
    """Advertisers."""

    @property
    def old(self) -> bool:
        """Whether the language has been watched for long enough."""
        return self.past.age >= YOUNG

    def marked(self) -> list[SeenAd]:
        """Of the last two weeks; nothing where the day brought nothing."""
        return self._of_two_weeks(self.past.marked, self.marked_today())

    def reported(self) -> list[SeenAd]:
        return self._of_two_weeks(self.past.reported, self.reported_today())

    def marked_today(self) -> list[SeenAd]:
        return [ad for ad in (*self.ads, *self.marks) if ad.marked]

    def reported_today(self) -> list[SeenAd]:
        return [ad for ad in (*self.ads, *self.marks) if ad.reported]

    def _of_two_weeks(self, past: deque[list[SeenAd]], today: list[SeenAd]) -> list[SeenAd]:
        if not (self.ads or self.marks):
            return []
        return [ad for day in (*[*past][-(MARKED_DAYS - 1) :], today) for ad in day]


class Watch:
    """The past of every language. Give it each day once, in order; ``look`` at a day as often as ``LOOKS`` while it comes."""

    def __init__(self) -> None:
        self._past: defaultdict[str, _Language] = defaultdict(_Language)

    def day(self, ads: Iterable[SeenAd], marked: Iterable[SeenAd] = ()) -> list[Kind]:
        """The kinds that are new on this day; it becomes the past of the next. ``marked``: ads of any day that people marked or reported on
        this one, beside those of ``ads`` that are."""
        days = self._today(ads, marked)
        found = _new(days)
        for today in days.values():
            today.past.learn(today)
        return found

    def look(self, ads: Iterable[SeenAd], marked: Iterable[SeenAd] = ()) -> list[Kind]:
        """The same of a day of which so much has come; nothing becomes the past."""
        return _new(self._today(ads, marked))

    def _today(self, ads: Iterable[SeenAd], marked: Iterable[SeenAd]) -> dict[str, _Today]:
        by_language: defaultdict[str, list[SeenAd]] = defaultdict(list)
        marks: defaultdict[str, list[SeenAd]] = defaultdict(list)
        for ad in ads:
            by_language[ad.language].append(ad)
        for ad in marked:
            marks[ad.language].append(ad)
        return {
            language: _Today(
                self._past[language],
                here := by_language[language],
                marks[language],
                _users(here),
                _strangers(here),
                len({ad.advertiser for ad in here}),
            )
            for language in sorted({*by_language, *marks, *self._past})
        }


def _new(days: Mapping[str, _Today]) -> list[Kind]:
    """Of one look at all languages. What is found is significant among everything that could have been: all phrases of all languages."""
    old = {language: today for language, today in days.items() if today.old}
    bursts = _significant(
        {
            (language, phrase): (len(who), today.everybody, today.past.rate(phrase))
            for language, today in old.items()
            for phrase, who in today.users.items()
        },
        FEWEST,
    )
    found = [kind for language, one in bursts.items() for kind in _kinds(language, one, days[language].users, days[language].ads)]
    for what in (_Today.marked, _Today.reported):
        of = {language: marked for language, today in old.items() if (marked := what(today))}
        users = {language: _users(marked) for language, marked in of.items()}
        everybody = {language: len({ad.advertiser for ad in marked}) for language, marked in of.items()}
        rare = _significant(
            {
                (language, phrase): (len(who), everybody[language], old[language].past.rate(phrase))
                for language in of
                for phrase, who in users[language].items()
            },
            FEWEST_MARKED,
        )
        found += [kind for language, one in rare.items() for kind in _kinds(language, one, users[language], of[language], by_marks=True)]
    return found + list(_strange(old))


def _strangers(ads: Iterable[SeenAd]) -> dict[str, set[str]]:
    """What the model had hardly seen -> advertisers that sent it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for ad in ads:
        if ad.strange is not None:
            found[ad.strange].add(ad.advertiser)
    return found


def _strange(days: Mapping[str, _Today]) -> Iterator[Kind]:
    """What far more advertisers sent than before, with the phrases that they share and others did not use."""
    tried = {
        (language, what): (len(who), today.everybody, today.past.strange_rate(what))
        for language, today in days.items()
        for what, who in today.strangers.items()
    }
    for language, found in _significant(tried, FEWEST).items():
        today = days[language]
        for what, p in sorted(found.items(), key=lambda one: (one[1], one[0])):
            theirs = [ad for ad in today.ads if ad.strange == what]
            users, who = _users(theirs), today.strangers[what]
            shared = _significant(
                {(language, phrase): (len(of), len(who), today.past.rate(phrase)) for phrase, of in users.items()}, FEWEST
            )
            of_it = shared.get(language, {})
            phrases = tuple(sorted(of_it, key=lambda one: (of_it[one], -len(one), one)))
            ids, share, before = tuple(ad.ad_id for ad in theirs), len(who) / today.everybody, today.past.strange_rate(what)
            yield Kind(language, phrases, len(who), ids, by_marks=False, p_value=p, strange=what, share=share, before=before)


def _users(ads: Iterable[SeenAd]) -> dict[str, set[str]]:
    users: defaultdict[str, set[str]] = defaultdict(set)
    for ad in ads:
        for phrase in ad.phrases:
            users[phrase].add(ad.advertiser)
    return users


def _significant(counted: Mapping[tuple[str, str], tuple[int, int, float]], fewest: int) -> dict[str, dict[str, float]]:
    """By language, the p-values of phrases that more advertisers used than chance explains. ``counted``: language and phrase -> advertisers
    who used it, of how many, and the rate of the past. Phrases of fewer than ``fewest`` are not told, and count among those tried all the
    same: they are fewer because of what is tested."""
    names, p = [*counted], np.ones(len(counted))
    k, n, rate = (np.array([one[i] for one in counted.values()], dtype=np.float64) for i in range(3))
    enough = np.flatnonzero(k >= fewest)
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    if enough.size:
        p[enough] = stats.binom.sf(k[enough] - 1, n[enough], np.minimum(WANDER * rate[enough], 1.0))
        for i in np.flatnonzero(stats.false_discovery_control(p) <= DISCOVERIES / LOOKS):
            language, phrase = names[i]
            found[language][phrase] = float(p[i])
    return found


def _kinds(
    language: str, found: Mapping[str, float], users: Mapping[str, set[str]], ads: Sequence[SeenAd], *, by_marks: bool = False
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
