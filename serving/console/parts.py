"""What the console works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from adverdict.creatives.sources import Sources
from adverdict.decisions.books import HasBook, book_of
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.keys import ApiKey
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger, now
from adverdict.review.queue import Queue
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages.capacity import Capacity, nobody_told
from adverdict.rollout.stages.freezes import Freeze
from adverdict.scoring.explaining import Explanation, on_record
from adverdict.scoring.scorer import Explained
from adverdict.scoring.tiers import Grader
from adverdict.serving.console.translating import Translate, nobody
from adverdict.serving.worker.champion import Champion
from adverdict.serving.worker.planner import Planner, Run


@dataclass(frozen=True)
class Parts:
    """A worker's parts. Nothing here belongs to one request."""

    ledger: Ledger
    queue: Queue
    policies: PolicyBook | HasBook
    champion: Champion
    api_keys: tuple[ApiKey, ...] = ()
    """None: whoever is on this machine may do everything."""
    registry: str = ""
    """Address of the MLflow server or database; only an http one can be linked to."""
    resolve: Callable[[str], str] | None = None
    """What a name such as ``models:/adverdict@challenger`` stands for; raises NotFound or Unavailable. None: there is no registry."""
    freezes: tuple[Freeze, ...] = ()
    """Windows in which no roll-out advances."""
    planner: Planner | None = None
    """What makes plans. None: nothing can be planned."""
    explain: Callable[[DecisionMade], Explanation] = on_record
    """Why a decision on record is what it is."""
    check: Callable[[str, Ad, Explained], Decision | None] | None = None
    """What the model in service says of a golden item's ad, with reasons; its result None: nothing. None: the champion is asked itself."""
    files: Path | None = None
    """The folder of policy files that a draft is made of; None: the packaged ones."""
    rolling: Run | None = None
    """``adverdict rollout …`` in a process of its own, for what takes long. None: nothing can be drafted."""
    home: Path | None = None
    """The folder in which training and certifying left their reports. None: they are not on this machine."""
    drafts: Planner | None = None
    """The same for drafts, each made once. None: nothing can be drafted."""
    launches: Planner | None = None
    """``adverdict launch`` in a process of its own. None: nothing can be checked."""
    capacity: Capacity = nobody_told
    """Says whether people can carry a stage of a roll-out."""
    review: ReviewSettings = field(default_factory=ReviewSettings)
    """Deadlines, by which something is past due."""
    translate: Translate = nobody
    """An ad in the reviewers' language; None of what is not translated."""
    creatives: Sources = field(default_factory=Sources)
    """Where creatives are fetched from."""
    creative_link: str = ""
    """Template of the address where people find a creative themselves; empty: there is none."""
    follows_copies: bool = True
    """Whether this installation knows of copies while it decides."""
    grader: Grader | None = None
    """Says where ads may stand; None: no file of tiers is set."""
    false_alarms: float = 12.0
    """A year, that all detectors together may ring."""
    clock: Callable[[], datetime] = now
    """Aware, UTC."""

    @property
    def book(self) -> PolicyBook:
        """The policies in force now."""
        return book_of(self.policies)
