"""Policy files to start from: for the policies that labels are about, and the markets that ads are shown in."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from importlib.resources import files
from typing import Any

import yaml

HEAD = """\
# Every policy, as it stands where a market's file says nothing else. Written by 'adverdict init' as a starting point:
# what is an offence, how bad one is and how much may slip through is for your policy team and lawyers to say.

"""
USUAL: dict[str, Any] = {
    "severity": "serious",
    "stance": "prohibited",
    "targets": {"max_leakage": 0.02, "max_wrongful_reject": 0.10, "confidence": 0.95},
    "thresholds": "auto",
    "when_degraded": "review",
    "when_uncertified": "decide",
    "audit_share": 0.01,
}
"""Of a policy that this product ships no example of."""


def starting_files(policies: Collection[str], markets: Collection[str], surfaces: Collection[str] = ()) -> dict[str, str]:
    """Name of a file -> its text, which ``read.read_policies`` reads. A policy of which an example is shipped is that example; for all
    surfaces where its own are none of ``surfaces``, those of the ads at hand (``domain.identity.surface_key``)."""
    elsewhere = for_other_surfaces(policies, surfaces)
    examples = {
        name: {key: rule for key, rule in rules.items() if key != "surfaces" or name not in elsewhere} for name, rules in _shipped().items()
    }
    rules = {name: examples.get(name) or _made(name) for name in policies}
    default = yaml.safe_dump({"policies": rules}, sort_keys=False, allow_unicode=True, width=120)
    head = "# Whatever is not said here is inherited from default.yaml.\n\nextends: default\n"
    return {"default.yaml": HEAD + default, **{f"{market}.yaml": f"# {market}\n{head}" for market in markets}}


def for_other_surfaces(policies: Collection[str], surfaces: Collection[str]) -> dict[str, list[str]]:
    """Of the policies whose example is for certain surfaces: which, where the ads at hand have ``surfaces`` and none of them (empty: none
    is stated). In force there alone it would be in force on no ad."""
    of_examples = {name: rules.get("surfaces") or [] for name, rules in _shipped().items() if name in policies}
    return {name: theirs for name, theirs in of_examples.items() if theirs and surfaces and not {*theirs} & {*surfaces}}


def _shipped() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(files("adverdict.policies").joinpath("default.yaml").read_text(encoding="utf-8"))[
        "policies"
    ]
    return found


def _made(name: str) -> dict[str, Any]:
    title = name.replace("_", " ").capitalize()
    return {"title": title, **deepcopy(USUAL), "reason": f"The ad is not allowed under our policy on {title.lower()}."}
