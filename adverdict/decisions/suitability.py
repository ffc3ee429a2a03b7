"""The file of tiers that policy people write: which categories there are, what is their floor, and who accepts what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from adverdict.domain.ad import OptionalWord, PolicyName
from adverdict.domain.decision import Decision
from adverdict.domain.errors import InvalidPolicy, Mistake, NotFound
from adverdict.domain.mistakes import mistakes
from adverdict.domain.suitability import Suitability, Tier
from adverdict.domain.verdict import Verdict
from adverdict.storage.yaml_text import read_yaml

PREFIX = "suitability_"
"""Labels of a category's tier are under the policy of this name: not violated is ``low``; violated is, by severity, one of these."""
BY_SEVERITY = {"mild": Tier.MEDIUM, "moderate": Tier.HIGH, "extreme": Tier.FLOOR}

Share = Annotated[float, BeforeValidator(lambda told: float(told) if isinstance(told, str) else told), Field(gt=0, lt=1)]


class SuitabilityRules(BaseModel):
    """What the file says, checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: dict[PolicyName, PolicyName] = Field(min_length=1, description="category -> the policy whose violation is its floor")
    accepts: dict[Annotated[str, Field(min_length=1, max_length=200)], Tier] = Field(
        default_factory=dict, description="placement or advertiser -> the most sensitive tier that it accepts"
    )
    max_wrong: Share = Field(default=0.05, description="largest share of told tiers that may be wrong")
    confidence: Share = Field(default=0.95, description="how sure a certificate must be of that")


@dataclass(frozen=True)
class Graded:
    """What a model of tiers says of an ad. ``sure``: whether the certificate covers what it says."""

    categories: Mapping[str, Tier]
    sure: bool
    version: str
    certificate_id: OptionalWord = None


def read_rules(path: Path) -> SuitabilityRules:
    """Raises NotFound, or InvalidPolicy with every mistake."""
    if not path.is_file():
        raise NotFound(f"no file of tiers at {path}")
    try:
        told = read_yaml(path, texts=True)
        rules = TypeAdapter(SuitabilityRules).validate_python(told or {})
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidPolicy(f"{path} is no file of tiers:", [Mistake("file", path.name, f"YAML in UTF-8 ({error})")]) from error
    except ValidationError as error:
        raise InvalidPolicy(f"{path} cannot be used:", mistakes(error, of=SuitabilityRules)) from error
    floors = [name for name, most in rules.accepts.items() if most is Tier.FLOOR]
    if floors:
        expected = "low, medium or high: what is against the rules is suitable nowhere"
        raise InvalidPolicy(f"{path} cannot be used:", [Mistake(f"accepts.{name}", "floor", expected) for name in floors])
    return rules


def suitability(graded: Graded, decision: Decision, rules: SuitabilityRules) -> Suitability:
    """Of an ad, from what the model of tiers says and what was decided. Pure.

    An ad that is rejected under the policy of a category's floor is at the floor, whatever the model says. One that waits for people under
    such a policy has no tier yet, and neither has one that the model puts at a floor whose policy let it pass: one of the two is wrong.
    """
    verdicts = {one.policy: one.verdict for one in decision.policies}
    floors = {category: verdicts.get(policy) for category, policy in rules.categories.items()}
    categories = {category: graded.categories.get(category, Tier.LOW) for category in rules.categories}
    rejected = [category for category, verdict in floors.items() if verdict is Verdict.REJECT]
    waiting = [category for category, verdict in floors.items() if verdict is Verdict.REVIEW]
    apart = [one for one, tier in categories.items() if tier is Tier.FLOOR and floors[one] is Verdict.APPROVE]
    tier: Tier | None = max(categories.values(), key=lambda one: one.rank)
    worst = ", ".join(one for one, found in categories.items() if found is tier)
    because = f"{worst}: {tier}" if tier is not Tier.LOW else "nothing of any category"
    if rejected:
        categories |= dict.fromkeys(rejected, Tier.FLOOR)
        tier, because = Tier.FLOOR, f"rejected under {', '.join(rules.categories[one] for one in rejected)}: the floor"
    elif waiting:
        tier, because = None, f"people decide on {', '.join(rules.categories[one] for one in waiting)} first: it may be at the floor"
    elif apart:
        tier, because = None, f"the model of tiers puts it at the floor of {', '.join(apart)}, the policy let it pass: a person says"
    elif not graded.sure:
        tier, because = None, "the model of tiers is not sure enough: a person says"
    return Suitability(
        tier=tier,
        categories=categories,
        accepted=Suitability.accepting(rules.accepts, tier),
        certificate_id=graded.certificate_id,
        version=graded.version,
        because=because,
    )
