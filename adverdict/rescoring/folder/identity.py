"""What a run is: everything that determines its rows, the id made of that, and the differences between two runs in words."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adverdict.decisions.exits import ExitRule
from adverdict.decisions.steering import Brake, Held, Moved, Steering
from adverdict.decisions.strikes import Strike
from adverdict.domain.ad import Utc
from adverdict.domain.errors import Mistake
from adverdict.rescoring.input.plan import Input, ShardPlan


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelUsed(_Record):
    source: str = Field(description="as it was asked for, such as models:/adverdict@champion")
    resolved: str = Field(description="what that was when the run began: a version, or a folder")
    version: str = Field(description="of the bundle")


class HistoryUsed(_Record):
    """What was known of advertisers at ``as_of``."""

    kind: Literal["folder", "ledger", "bundle"]
    digest: str = Field(description="of what was counted, wherever it came from")
    seq: int | None = Field(default=None, description="last entry of the ledger that counts")
    source: str | None = Field(default=None, description="where it came from")


class SteeringUsed(_Record):
    """Brakes that were on, and how certificates had come to stand, when the run began."""

    seq: int = Field(description="last entry of the ledger that was known")
    brakes: tuple[Brake, ...]
    revoked: tuple[str, ...]
    moved: dict[str, Moved] = Field(default_factory=dict, description="by certificate: its standing by audits, and its end")
    held: dict[str, Held] = Field(default_factory=dict, description="by advertiser: the notice because of which, and until when")
    strikes: dict[str, tuple[Strike, ...]] = Field(default_factory=dict, description="of advertisers that may have reached a limit of them")

    @property
    def steering(self) -> Steering:
        return Steering(self.brakes, frozenset(self.revoked), self.moved, self.held)

    def determining(self) -> dict[str, Any]:
        """What rows depend on."""
        moved = {name: [one.standing.value, _moment(one.until)] for name, one in sorted(self.moved.items())}
        held = {name: [one.notice, _moment(one.until)] for name, one in sorted(self.held.items())}
        strikes = {
            name: [[one.policy, _moment(one.at), _moment(one.submitted_at), one.ad_id] for one in told]
            for name, told in sorted(self.strikes.items())
        }
        return {
            "brakes": [one.brake_id for one in self.brakes],
            "revoked": list(self.revoked),
            **({"certificates": moved} if moved else {}),
            **({"held": held} if held else {}),
            **({"strikes": strikes} if strikes else {}),
        }


class Run(_Record):
    """``run.json``: written before anything else, never changed. The rows of a run depend on this alone."""

    schema_version: Literal[1] = 1
    run_id: str
    started_at: Utc
    as_of: Utc
    since: Utc | None = Field(default=None, description="ads submitted before this are left out")
    model: ModelUsed
    policy_hash: str
    thresholds: str = Field(description="digest of the solved thresholds")
    exits: ExitRule | None = Field(default=None, description="by which ads leave the model early; null: every ad takes the whole way")
    history: HistoryUsed
    steering: SteeringUsed | None = Field(default=None, description="what was out of automatic hands; null: nothing was")
    ads: str = Field(description="where the ads are, as it was given")
    root: str = Field(description="the folder that the inputs' names are relative to")
    inputs: tuple[Input, ...]
    rows_per_shard: int
    reasons: bool = Field(default=True, description="whether decisions that stop an ad were written with their reasons")

    @classmethod
    def of(
        cls,
        plan: ShardPlan,
        *,
        started_at: datetime,
        as_of: datetime,
        since: datetime | None,
        model: ModelUsed,
        policy_hash: str,
        thresholds: str,
        exits: ExitRule | None,
        history: HistoryUsed,
        steering: SteeringUsed | None = None,
        reasons: bool = False,
    ) -> Run:
        """A run with the id that follows from it."""
        fields: dict[str, Any] = {
            "started_at": started_at,
            "as_of": as_of,
            "since": since,
            "model": model,
            "policy_hash": policy_hash,
            "thresholds": thresholds,
            "exits": exits,
            "history": history,
            "steering": steering,
            "ads": plan.ads,
            "root": plan.root,
            "inputs": plan.inputs,
            "rows_per_shard": plan.rows_per_shard,
            "reasons": reasons,
        }
        unnamed = cls.model_construct(run_id="", **fields)
        return cls(run_id=unnamed.identity(), **fields)

    @property
    def plan(self) -> ShardPlan:
        return ShardPlan(self.ads, self.root, self.inputs, self.rows_per_shard)

    def identity(self) -> str:
        """The id of every run whose rows are these, wherever its files lie and whenever it was begun."""
        text = json.dumps(self._determining(), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return f"run-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def to_json(self) -> bytes:
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"

    def differences(self, now: Run) -> list[Mistake]:
        """Everything in which ``now`` would decide other rows than this run, which is on record."""
        before, after = self._determining(), now._determining()
        for determining, run in ((before, self), (after, now)):
            determining.pop("inputs")
            determining["reasons"] = run.reasons
        both = {**before, **after}  # a run without an exit rule says nothing of one
        found = [
            Mistake(name, after.get(name), f"{before.get(name)!r}, as on record") for name in both if before.get(name) != after.get(name)
        ]
        if self.model.version != now.model.version and self.model.resolved != now.model.resolved:
            # A name such as @champion has moved on; what it stood for is asked for by its number.
            by_number = f"{self.model.version!r} (--model {self.model.resolved}), as on record"
            found[0] = Mistake("model.version", now.model.version, by_number)
        return found + _changed_inputs(self.inputs, now.inputs)

    @model_validator(mode="after")
    def _is_its_own(self) -> Self:
        if self.run_id != self.identity():
            raise ValueError(f"run_id {self.identity()}, which is what the other fields give, not {self.run_id}")
        return self

    def _determining(self) -> dict[str, Any]:
        return {
            "model.version": self.model.version,
            "policy_hash": self.policy_hash,
            "thresholds": self.thresholds,
            **({"exits.certificate": self.exits.certificate_id, "exits.limit": self.exits.limit} if self.exits else {}),
            "history.digest": self.history.digest,
            **(self.steering.determining() if self.steering else {}),
            "as_of": _moment(self.as_of),
            "since": _moment(self.since),
            "rows_per_shard": self.rows_per_shard,
            **({} if self.reasons else {"reasons": False}),  # there was a time when every run had them
            "inputs": [[one.name, one.size, one.rows, one.digest] for one in self.inputs],
        }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _changed_inputs(before: tuple[Input, ...], now: tuple[Input, ...]) -> list[Mistake]:
    old, new = {one.name: one for one in before}, {one.name: one for one in now}
    found = [Mistake(f"input {name}", None, f"a file of {_told(old[name])}, as on record") for name in old if name not in new]
    found += [Mistake(f"input {name}", _told(new[name]), "no such file, as on record") for name in new if name not in old]
    return found + [
        Mistake(f"input {name}", _told(new[name]), f"{_told(old[name])}, as on record")
        for name in old
        if name in new and _told(old[name]) != _told(new[name])
    ]


def _told(one: Input) -> str:
    return f"{one.rows} rows in {one.size} bytes, footer {one.digest[:12] or 'unreadable'}"
