"""A model and a registry small enough to read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Reason
from adverdict.domain.errors import ContractMismatch, UntrustedBundle
from adverdict.domain.familiarity import Familiarity
from adverdict.domain.risk import RiskScore
from adverdict.features.history.known import History


@dataclass(frozen=True)
class FakeModel:
    """Risk is .99 for an ad whose title says scam, ``otherwise`` for others; it stumbles over one that says stumble."""

    version: str = "v1"
    policies: tuple[str, ...] = ("deceptive", "gambling")
    solved: SolvedThresholds = field(default_factory=SolvedThresholds)
    otherwise: float = 0.01

    @property
    def snapshot(self) -> bytes | None:
        return None

    def score(self, ads: Sequence[Ad], history: History | None = None) -> FakeRisks:
        if any("stumble" in (ad.title or "") for ad in ads):
            raise ZeroDivisionError("a secret of the inside")
        return FakeRisks(self.policies, ads, otherwise=self.otherwise)


@dataclass(frozen=True)
class FakeRisks:
    policies: tuple[str, ...]
    ads: Sequence[Ad]
    otherwise: float = field(default=0.01, kw_only=True)

    def risks(self, ad: int) -> dict[str, RiskScore]:
        p = 0.99 if "scam" in (self.ads[ad].title or "") else self.otherwise
        return {policy: RiskScore(policy=policy, p=p, p_low=p, p_high=p) for policy in self.policies}

    def familiarity(self, ad: int) -> Familiarity:
        """An ad whose title says "strange" is."""
        return Familiarity(0.001, ("text",)) if "strange" in (self.ads[ad].title or "") else Familiarity(0.5, ("text",))

    def reasons(self, ad: int, policies: Sequence[str]) -> tuple[Reason, ...]:
        return tuple(Reason(policy=policy, kind="phrase", signal="scam", text='the text says "scam"', effect=1.0) for policy in policies)


class FakeRegistry:
    """Versions are folders holding ``bundle.json``; ``away`` is raised instead of an answer."""

    def __init__(self) -> None:
        self.champion = "1"
        self.bundles: dict[str, dict[str, object]] = {"1": {"version": "v1"}}
        self.away: Exception | None = None
        self.fetched: list[str] = []
        self.certified: dict[str, str] = {}
        """Text of each version's certificates, for whatever policies."""
        self.certified_for: dict[tuple[str, str], str] = {}
        """By version and hash of the policies they were solved for."""

    def resolve(self, model: str) -> str:
        if self.away:
            raise self.away
        return model if model.rsplit("/", 1)[-1] in self.bundles else f"models:/adverdict/{self.champion}"

    def fetch(self, model: str, cache: Path) -> Path:
        if self.away:
            raise self.away
        self.fetched.append(model)
        version = model.rsplit("/", 1)[-1]
        folder = cache / f"v{version}"
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "bundle.json").write_text(json.dumps(self.bundles[version]))
        return folder

    def certificates(self, source: str, policy_hash: str) -> str | None:
        if self.away:
            raise self.away
        version = source.rsplit("/", 1)[-1]
        text = self.certified_for.get((version, policy_hash)) or self.certified.get(version)
        return None if text is None else hashlib.sha256(text.encode()).hexdigest()

    def fetch_certificates(self, source: str, digest: str, cache: Path) -> str:
        kept = cache / f"certificates-{digest[:16]}.json"
        if not kept.is_file():
            if self.away:
                raise self.away
            cache.mkdir(parents=True, exist_ok=True)
            texts = [*self.certified.values(), *self.certified_for.values()]
            kept.write_text(next(one for one in texts if hashlib.sha256(one.encode()).hexdigest() == digest), encoding="utf-8")
        return kept.read_text(encoding="utf-8")


def open_fake(folder: Path) -> FakeModel:
    """A fake bundle; raises UntrustedBundle when its file is not what it should be, and whatever the file says it raises."""
    try:
        content = json.loads((folder / "bundle.json").read_text())
    except (OSError, ValueError) as error:
        raise UntrustedBundle(f"{folder} is not a bundle") from error
    if content.get("raises") == "contract":
        raise ContractMismatch("the features differ")
    if content.get("raises") == "bug":
        raise ZeroDivisionError("a bundle with a bug")
    return FakeModel(
        content["version"], tuple(content.get("policies", ("deceptive", "gambling"))), otherwise=content.get("otherwise", 0.01)
    )
