"""Plans of a roll-out: two that come with Adverdict, or a file's."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import yaml
from pydantic import ValidationError

from adverdict.decisions.rollout import MOST_ON_TRIAL, Plan, Stage
from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.domain.mistakes import mistakes
from adverdict.storage.yaml_text import read_yaml

HOLDOUT = 0.01
"""Of advertisers, still decided for as before while a set that decides for all others is watched."""

STANDARD = Plan(
    name="standard",
    stages=(
        Stage(name="shadow", share=0.0, min_hours=24, max_days=14, readings=50),
        Stage(name="canary-1", share=0.01, audit_share=0.5, min_hours=24, max_days=14, needs=("policy",)),
        Stage(name="canary-5", share=0.05, audit_share=0.3, min_hours=24, max_days=14),
        Stage(name="canary-25", share=0.25, audit_share=0.1, min_hours=24, max_days=14),
        Stage(name="half", share=MOST_ON_TRIAL, audit_share=0.05, min_hours=24, max_days=14),
        Stage(name="full", share=1.0, holdout=HOLDOUT, audit_share=0.05, min_hours=168, max_days=14, needs=("operations",)),
    ),
)
"""Tried beside what decides, then on a hundredth of the advertisers, and so on. Audits are read more the fewer there are."""
IMMEDIATE = Plan(name="immediate", stages=(Stage(name="full", share=1.0, needs=("policy",)),))
"""For a change whose date is fixed, such as by law: signed, then in force for everybody at once."""
PLANS = {plan.name: plan for plan in (STANDARD, IMMEDIATE)}


def read_plan(told: str) -> Plan:
    """``standard``, ``immediate``, or the plan of a YAML file. Raises NotFound, or InvalidInput with every mistake."""
    if told in PLANS:
        return PLANS[told]
    path = Path(told)
    if not path.is_file():
        raise NotFound(f"no plan {told}: one of {', '.join(PLANS)}, or a YAML file")
    try:
        plan = Plan.model_validate(read_yaml(path))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is no plan:", [Mistake("file", path.name, f"YAML in UTF-8 ({error})")]) from error
    except ValidationError as error:
        raise InvalidInput(f"{path} is no plan:", mistakes(error, of=Plan)) from error
    if wrong := _mistakes(plan):
        raise InvalidInput(f"{path} cannot be followed:", wrong)
    return plan


def _mistakes(plan: Plan) -> list[Mistake]:
    """What no single field shows."""
    found: list[Mistake] = []
    shares = [stage.share for stage in plan.stages]
    if len({stage.name for stage in plan.stages}) < len(plan.stages):
        found.append(Mistake("stages.name", ", ".join(stage.name for stage in plan.stages), "another name for each"))
    for number, (before, after) in enumerate(pairwise(shares), start=1):
        if after < before:
            found.append(Mistake(f"stages.{number}.share", after, f"at least that of the stage before, {before:g}"))
    for number, stage in enumerate(plan.stages):
        if MOST_ON_TRIAL < stage.share < 1:
            found.append(Mistake(f"stages.{number}.share", stage.share, f"at most {MOST_ON_TRIAL:g} beside its control, or 1"))
        if stage.holdout and stage.share < 1:
            found.append(Mistake(f"stages.{number}.holdout", stage.holdout, "0 before a share of 1: the control is as large as the share"))
    if shares[-1] != 1:
        found.append(Mistake("stages", shares[-1], "a last stage with a share of 1"))
    return found
