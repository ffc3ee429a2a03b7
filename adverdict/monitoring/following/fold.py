"""The chain, folded: a state that is the same whenever the same entries came, however often somebody looked in between.

decision -> waits for people, if any are asked -> what they said -> its day is over and everybody has answered -> counted, in order

A day of a market is counted when all its audits, or all its reviews, are settled, or after ``PATIENCE`` days without those that are not:
what is counted never depends on which answers came first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from adverdict.ledger.entries import Answered, DecisionMade, Erased, Resolved, Withdrawn
from adverdict.monitoring.budget import Watched
from adverdict.monitoring.following.callers import data_of
from adverdict.monitoring.following.waiting import Outcome, Waiting

KINDS = (DecisionMade.kind, Answered.kind, Resolved.kind, Withdrawn.kind, Erased.kind)
"""Of entries that change anything."""
READ = ("review", "audit", "double", "senior")
"""Kinds of tasks in which people say what an ad is."""
PATIENCE = 14
"""Days that are waited for answers."""
AGAIN = {Watched.LEAKAGE: 28, Watched.WRONGFUL: 28, Watched.CALIBRATION: 180}
"""Days after which an ad of the same advertiser counts again."""

Tally = tuple[str, int, int]
"""What, day, bin."""
Memory = tuple[str, int]
"""What, and the hash of an advertiser."""


@dataclass
class State:
    """All that is known after ``seq``; ``today`` in days since 1970, UTC. The rest says what changed since it was last written."""

    seq: int = 0
    today: int = 0
    waiting: dict[str, Waiting] = field(default_factory=dict)
    tallies: dict[Tally, list[int]] = field(default_factory=dict)
    """(number, of them)."""
    counted: dict[Memory, int] = field(default_factory=dict)
    erased: int = 0
    """Entries that were erased after they had been followed: counted here, and never again."""
    changed_waiting: set[str] = field(default_factory=set, compare=False)
    changed_tallies: set[Tally] = field(default_factory=set, compare=False)
    changed_counted: set[Memory] = field(default_factory=set, compare=False)

    def follow(self, seq: int, kind: str, entry_id: str, day: int, told: Mapping[str, Any] | None) -> None:
        """One entry, in order. ``told`` is its JSON; None: it was erased."""
        self.roll(day)
        self.seq = seq
        if told is None:
            return
        if kind == DecisionMade.kind:
            self._decided(seq, entry_id, day, told)
        elif kind == Answered.kind and told["task_kind"] in READ:
            self._answered(told)
        elif kind == Resolved.kind and told["by"] in ("review", "audit") and told["decision_id"] in self.waiting:
            self.waiting[told["decision_id"]].settled = _outcome(told)
            self.changed_waiting.add(told["decision_id"])
        elif kind == Withdrawn.kind:
            self._drop([one for one, waiting in self.waiting.items() if waiting.step == told["step"]])
        elif kind == Erased.kind:
            runs = told["seqs"]
            self.erased += sum(last - first + 1 for first, last in runs)
            self._drop([one for one, waiting in self.waiting.items() if any(first <= waiting.seq <= last for first, last in runs)])

    def roll(self, today: int) -> None:
        """Nothing more is decided before ``today``: count the days that are complete now."""
        if not self.waiting:
            self.today = max(self.today, today)
            return
        while self.today < today:
            self.today += 1
            for name, waiting in sorted(self._complete(), key=lambda one: (one[1].day, one[1].seq)):
                self._count(waiting)
                self._drop([name])

    def open_from(self, stream: tuple[str, str]) -> int:
        """The first day of a stream that is not counted yet."""
        return min((one.day for one in self.waiting.values() if one.stream == stream), default=self.today)

    def written(self) -> None:
        """Everything that changed is on disk."""
        self.changed_waiting.clear()
        self.changed_tallies.clear()
        self.changed_counted.clear()

    def _decided(self, seq: int, decision_id: str, day: int, told: Mapping[str, Any]) -> None:
        if not told["first"]:
            return
        for what, of_them in data_of(told):
            self._add(what, day, 0, 1, of_them)
        made = Waiting.of(seq, day, told)
        if made is not None:
            self.waiting[decision_id] = made
            self.changed_waiting.add(decision_id)

    def _answered(self, told: Mapping[str, Any]) -> None:
        waiting = self.waiting.get(told["decision_id"])
        if waiting is not None and told["verdict"] != "unseen":  # it says nothing of the ad
            senior = "senior:" if told["task_kind"] == "senior" else ""
            waiting.answers.append(f"{senior}{told['verdict']}")
            self.changed_waiting.add(told["decision_id"])

    def _complete(self) -> Iterator[tuple[str, Waiting]]:
        """Of each stream, the days up to the first on which somebody is waited for."""
        end: defaultdict[tuple[str, str], int] = defaultdict(lambda: self.today)
        for one in self.waiting.values():
            if self.today - one.day <= PATIENCE and one.outcome is None:
                end[one.stream] = min(end[one.stream], one.day)
        return (pair for pair in self.waiting.items() if pair[1].day < end[pair[1].stream])

    def _count(self, one: Waiting) -> None:
        outcome = one.outcome
        if outcome is None:
            return
        for policy, fact in one.facts.items():
            truth = outcome.violates(policy)
            if fact.bin is not None and truth is not None and self._is_new(f"{Watched.CALIBRATION}/{policy}", Watched.CALIBRATION, one):
                self._add(f"{Watched.CALIBRATION}/{policy}/{one.market}", one.day, fact.bin, 1, truth)
            if fact.certificate is None or fact.verdict != one.verdict or one.verdict == "review":
                continue
            watched, wrong = (Watched.LEAKAGE, truth is True) if one.verdict == "approve" else (Watched.WRONGFUL, truth is False)
            what = f"{watched}/{policy}/{fact.certificate}"
            if self._is_new(what, watched, one):
                self._add(what, one.day, 0, 1, wrong)

    def _is_new(self, what: str, watched: Watched, one: Waiting) -> bool:
        """Whether the advertiser counts; if so it is noted."""
        key = (what, one.advertiser)
        before = self.counted.get(key)
        if before is not None and one.day - before < AGAIN[watched]:
            return False
        self.counted[key] = one.day
        self.changed_counted.add(key)
        return True

    def _add(self, what: str, day: int, bin_: int, number: int, of_them: int) -> None:
        tally = self.tallies.setdefault((what, day, bin_), [0, 0])
        tally[0] += number
        tally[1] += of_them
        self.changed_tallies.add((what, day, bin_))

    def _drop(self, names: list[str]) -> None:
        for name in names:
            del self.waiting[name]
            self.changed_waiting.add(name)


def _outcome(told: Mapping[str, Any]) -> Outcome:
    return Outcome(told["verdict"], tuple(told["violated"]))
