"""Several skills at once: the fewest people on each shift, so that every lane's work is done before it is due.

A linear programme over lanes, profiles and blocks of four hours of a week that repeats itself, solved by HiGHS (Huangfu and Hall 2018) as
SciPy carries it. Work left at a block's end may be no more than what is not due yet. Fractions are kept; who reads them rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from adverdict.domain.errors import Unavailable
from adverdict.review.tasks.claims import may_take
from adverdict.review.tasks.tasks import RoutingKey
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.operations.rules import Shrinkage, Targets
from adverdict.workforce.volume.history import WEEK_HOURS, Floats

BLOCK = 4
BLOCKS = WEEK_HOURS // BLOCK
A_DAY = 24 // BLOCK
LEAST_LATE = 0.001
"""Share of a lane's work that is late and not told."""
LATE = 1000.0
"""What an hour of work that is late at a block's end costs, in people's paid hours: more than anybody, so nothing is late that need not
be."""


@dataclass(frozen=True)
class Demand:
    """Work of one lane with one deadline, over a week that repeats itself."""

    lane: RoutingKey
    work: Floats
    """Hours of handling that come in each hour of the week, float64 (168,)."""
    wait: float
    """Hours from coming to being due; beyond a week counts as a week."""
    severe: bool = False


@dataclass(frozen=True)
class ShiftNeed:
    """One line of the roster: people needed on duty there, and with shrinkage on the pay roll."""

    shift: Shift
    on_duty: float
    fte: float
    """Contracts of full ``weekly_hours``."""
    busy: float
    """Most of their time that tasks take where part of a person is made a whole one, in [0, 1]."""
    rostered: float
    """The same of the people that the roster has there."""


@dataclass(frozen=True)
class Staffing:
    """The least paid hours that keep the deadlines."""

    needs: tuple[ShiftNeed, ...]
    work: float
    """Hours of handling a week."""
    binds: tuple[str, ...]
    """What decides the number: deadline, occupancy, wellness; the strongest first."""
    late: tuple[tuple[RoutingKey, float], ...]
    """Lanes of which work is late however many work these shifts, with its share of the lane's, in (0, 1]."""
    untaken: tuple[tuple[RoutingKey, float], ...]
    """Lanes that nobody on these shifts may take, with their hours a week."""
    late_when: Mapping[RoutingKey, Floats] = field(default_factory=dict)
    """Of lanes in ``late``: hours of work that come due too early for these shifts, in each block of four hours, float64 (42,)."""

    @property
    def fte(self) -> float:
        return sum(one.fte for one in self.needs)

    @property
    def rostered(self) -> float:
        return sum(one.rostered for one in self.needs)

    def short(self) -> tuple[ShiftNeed, ...]:
        """Where more are needed than rostered, the largest gap first."""
        wanting = [one for one in self.needs if one.fte > one.rostered + 1e-6]
        return tuple(sorted(wanting, key=lambda one: one.rostered - one.fte))


def staffing(demands: Sequence[Demand], shifts: Sequence[Shift], covers: Floats, shrinkage: Shrinkage, targets: Targets) -> Staffing:
    """``covers``: hours that one person of each shift is on duty in each block of the week, float64 (shifts, 42). Raises Unavailable
    where the solver fails."""
    takers = [[number for number, shift in enumerate(shifts) if may_take(shift.skills, one.lane)] for one in demands]
    served = [number for number, who in enumerate(takers) if who]
    untaken = [(demands[n].lane, float(demands[n].work.sum())) for n, who in enumerate(takers) if not who and demands[n].work.sum() > 0]
    problem = _Problem([demands[n] for n in served], [takers[n] for n in served], covers, _costs(shifts, shrinkage), targets)
    heads, binds, late, when = problem.solve()
    needs = []
    for shift, on_duty, cover in zip(shifts, np.maximum(heads, 0.0), covers, strict=True):  # the solver is exact to a few 1e-9
        contracts = float(cover.sum()) / shift.weekly_hours
        fte = float(on_duty) * contracts / (1 - shrinkage.of(shift.team))
        busy = float(on_duty) / max(1, ceil(on_duty - 1e-6)) * targets.occupancy
        needs.append(ShiftNeed(shift, float(on_duty), fte, busy, shift.people * contracts))
    return Staffing(tuple(needs), sum(float(one.work.sum()) for one in demands), binds, late, tuple(untaken), when)


def _costs(shifts: Sequence[Shift], shrinkage: Shrinkage) -> Floats:
    """Paid hours a week of one person on duty."""
    return np.array([shift.hours * len(shift.days) / (1 - shrinkage.of(shift.team)) for shift in shifts])


class _Problem:
    """Columns: people of each shift, then for each lane with its shifts the work done in a block, then work left and work late."""

    def __init__(self, demands: Sequence[Demand], takers: Sequence[Sequence[int]], covers: Floats, costs: Floats, targets: Targets) -> None:
        self.demands, self.covers, self.targets = demands, covers, targets
        self.lanes, self.shifts = len(demands), len(covers)
        self.pairs = [(lane, shift) for lane, who in enumerate(takers) for shift in who]
        self.done = self.shifts + np.arange(len(self.pairs) * BLOCKS).reshape(len(self.pairs), BLOCKS)
        self.left = self.done.size + self.shifts + np.arange(self.lanes * BLOCKS).reshape(self.lanes, BLOCKS)
        self.over = self.left + self.lanes * BLOCKS
        self.columns = self.shifts + self.done.size + 2 * self.left.size
        self.cost = np.zeros(self.columns)
        self.cost[: self.shifts] = costs
        self.cost[self.over] = LATE

    def solve(self) -> tuple[Floats, tuple[str, ...], tuple[tuple[RoutingKey, float], ...], dict[RoutingKey, Floats]]:
        if not self.lanes:
            return np.zeros(self.shifts), (), (), {}
        flow, came = self._flow()
        most, limit, kinds = self._limits()
        found = linprog(self.cost, A_ub=most, b_ub=limit, A_eq=flow, b_eq=came, bounds=(0, None), method="highs")
        if found.status != 0:
            raise Unavailable(f"the staffing programme was not solved: {found.message}")
        over = found.x[self.over]
        # What is late at a block's end and was not at the last one's has become late within it.
        fresh = np.maximum(over - np.roll(over, 1, axis=1), 0.0)
        return found.x[: self.shifts], _binding(-found.ineqlin.marginals, kinds), *self._late(fresh)

    def _late(self, hours: Floats) -> tuple[tuple[tuple[RoutingKey, float], ...], dict[RoutingKey, Floats]]:
        """By lane, all its deadlines together; the largest share first. ``hours``: of each demand in each block."""
        late: dict[RoutingKey, Floats] = {}
        whole: dict[RoutingKey, float] = {}
        for demand, part in zip(self.demands, hours, strict=True):
            late[demand.lane] = late.get(demand.lane, np.zeros(BLOCKS)) + part
            whole[demand.lane] = whole.get(demand.lane, 0.0) + float(demand.work.sum())
        late = {lane: part for lane, part in late.items() if part.sum() > LEAST_LATE * whole[lane]}
        shares = {lane: min(1.0, float(part.sum()) / whole[lane]) for lane, part in late.items()}
        return tuple(sorted(shares.items(), key=lambda one: -one[1])), late

    def _flow(self) -> tuple[object, Floats]:
        """What is left at a block's end: what was left before, and what came, less what was done. The week repeats itself."""
        rows, columns, values = [], [], []
        number = np.arange(self.lanes * BLOCKS).reshape(self.lanes, BLOCKS)
        for sign, cells, to in ((1.0, self.left, number), (-1.0, np.roll(self.left, 1, axis=1), number)):
            rows += [to.ravel()]
            columns += [cells.ravel()]
            values += [np.full(cells.size, sign)]
        for pair, (lane, _) in enumerate(self.pairs):
            rows += [number[lane]]
            columns += [self.done[pair]]
            values += [np.ones(BLOCKS)]
        came = np.array([one.work.reshape(BLOCKS, BLOCK).sum(axis=1) for one in self.demands]).ravel()
        return _sparse(rows, columns, values, (number.size, self.columns)), came

    def _limits(self) -> tuple[object, Floats, NDArray[np.str_]]:
        """Nothing left that is due; nobody works when they are not there, longer than the cap, or too long on severe content."""
        rows, columns, values, limit, kinds = [], [], [], [], list[str]()
        number = np.arange(self.lanes * BLOCKS)
        rows += [number, number]
        columns += [self.left.ravel(), self.over.ravel()]
        values += [np.ones(number.size), -np.ones(number.size)]
        limit.append(np.concatenate([_not_due(one) for one in self.demands]))
        kinds += ["deadline"] * number.size
        for kind, spans, allowed, chosen in self._rules():
            for shift in range(self.shifts):
                mine = [pair for pair, (lane, who) in enumerate(self.pairs) if who == shift and (not chosen or self.demands[lane].severe)]
                for span, most in zip(spans, allowed[shift], strict=True):
                    row = len(kinds)
                    cells = self.done[np.ix_(mine, span)].ravel() if mine else np.zeros(0, dtype=np.int64)
                    rows += [np.full(cells.size + 1, row)]
                    columns += [np.append(cells, shift)]
                    values += [np.append(np.ones(cells.size), -most)]
                    limit.append(np.zeros(1))
                    kinds.append(kind)
        return _sparse(rows, columns, values, (len(kinds), self.columns)), np.concatenate(limit), np.array(kinds)

    def _rules(self) -> list[tuple[str, list[list[int]], Floats, bool]]:
        """Kind, stretches of blocks, hours one person of each shift may do in each stretch, and whether only severe work counts."""
        each, week = [[block] for block in range(BLOCKS)], [list(range(BLOCKS))]
        rules = [("presence", each, self.covers, False)]
        rules.append(("occupancy", week, self.targets.occupancy * self.covers.sum(axis=1, keepdims=True), False))
        if self.targets.severe_minutes is not None:
            days = [list(range(day * A_DAY, (day + 1) * A_DAY)) for day in range(7)]
            present = np.array([[self.covers[shift, day].sum() > 0 for day in days] for shift in range(self.shifts)])
            rules.append(("wellness", days, present * self.targets.severe_minutes / 60, True))
        return rules


def _not_due(demand: Demand) -> Floats:
    """Hours of work, at each block's end, that came by then and is not due by then; float64 (42,)."""
    wait = min(demand.wait, float(WEEK_HOURS))
    behind = np.concatenate([[0.0], np.cumsum(np.tile(demand.work, 3))])
    ends = WEEK_HOURS + BLOCK * (np.arange(BLOCKS) + 1.0)
    hours = np.arange(len(behind))
    return np.asarray(np.interp(ends, hours, behind) - np.interp(ends - wait, hours, behind))


def _binding(prices: Floats, kinds: NDArray[np.str_]) -> tuple[str, ...]:
    """By what the constraints are worth: occupancy and wellness by their own prices, deadlines by those of being there in time."""
    found = {kind: float(prices[kinds == kind].sum()) for kind in ("occupancy", "wellness")}
    found["deadline"] = float(prices[kinds == "presence"].sum())
    return tuple(sorted((kind for kind, price in found.items() if price > 1e-6), key=lambda kind: -found[kind]))


def _sparse(
    rows: Sequence[NDArray[np.int64]], columns: Sequence[NDArray[np.int64]], values: Sequence[Floats], shape: tuple[int, int]
) -> object:
    return coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape).tocsr()
