"""What is in force, and which line of which file says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adverdict import policies
from adverdict.decisions.files.read import PolicyFolder, read_folder
from adverdict.decisions.files.show import BUILT_IN, FLAT_KEYS, NOTHING_SAID, plain, show, table, thresholds_in_use
from adverdict.decisions.policy import PolicyInForce, Stance, Targets, Thresholds, WhenUncertified
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from tests.decisions.build import POLICY, TARGETS
from tests.decisions.folders import folder_of


@pytest.fixture
def folder(tmp_path: Path) -> PolicyFolder:
    return folder_of(tmp_path / "policies")


@pytest.mark.parametrize(
    ("market", "surface", "key", "value", "where"),
    [
        ("DE", None, "stance", "prohibited", "default.yaml:5"),
        ("SE", None, "stance", "restricted", "SE.yaml:4"),
        ("SE", "kids_video", "stance", "restricted", "SE.yaml:4"),
        ("SE", None, "severity", "serious", "default.yaml:4"),
        ("SE", "Kids-Video", "severity", "severe", "default.yaml:18"),
        ("GB", "search", "stance", "restricted", "GB.yaml:5"),
        ("GB", "feed", "stance", "prohibited", "default.yaml:5"),
        ("BR", None, "targets.max_leakage", "0.015", "BR.yaml:4"),
        ("BR", None, "targets.confidence", "0.95", "default.yaml:6"),
        ("BR", None, "targets.max_risk", "0.25", BUILT_IN),
        ("BR", "kids_video", "targets.max_risk", "0.1", BUILT_IN),
        ("BR", None, "targets.min_risk_rejected", "0.5", BUILT_IN),
        ("BR", None, "targets.max_missed", "not limited", BUILT_IN),
        ("BR", None, "thresholds", "auto", BUILT_IN),
        ("BR", None, "surfaces", "all", BUILT_IN),
        ("BR", None, "when_degraded", "review", BUILT_IN),
        ("SE", None, "reason", "Only with a licence.", "SE.yaml:5"),
    ],
)
def test_each_value_comes_with_the_line_that_says_it(
    folder: PolicyFolder, market: str, surface: str | None, key: str, value: str, where: str
) -> None:
    gambling = show(folder, market, surface).policies[0]
    found = {one.key: one for one in gambling.values}[key]
    assert (str(found), found.where) == (value, where)


def test_case_and_dashes_of_a_surface_are_forgiven(folder: PolicyFolder) -> None:
    assert table(folder, "SE", "Kids-Video") == table(folder, "SE", "kids_video") != table(folder, "SE", None)


def test_what_is_shown_is_what_decides() -> None:
    packaged = read_folder(policies.folder())
    compared = 0
    for market, surface, policy in packaged.book.every():
        shown = {one.policy: one for one in show(packaged, market, surface).policies}[policy.name]
        assert tuple(value.key for value in shown.values) == FLAT_KEYS
        for value in shown.values:
            if value.key != "surfaces":  # settled into where the policy is in force
                expected = _attribute(policy, value.key)
                assert value.value == (NOTHING_SAID[value.key] if expected is None else expected)
                compared += 1
    assert compared > 1000


def test_a_policy_that_is_not_in_force_says_where_it_is(folder: PolicyFolder) -> None:
    kids = show(folder, "SE").policies[1]
    assert (kids.policy, kids.values) == ("kids_unsuitable", ())
    assert kids.only_on is not None
    assert (str(kids.only_on), kids.only_on.where) == ("[kids_video]", "default.yaml:12")
    assert show(folder, "SE", "kids_video").policies[1].only_on is None


@pytest.mark.parametrize(
    ("market", "differing"),
    [
        ("SE", {"kids_video": {"gambling": ("severity", "targets.max_risk"), "kids_unsuitable": ("in force there",)}}),
        (
            "GB",
            {
                "kids_video": {"gambling": ("severity", "targets.max_risk"), "kids_unsuitable": ("in force there",)},
                "search": {"gambling": ("stance",)},
            },
        ),
    ],
)
def test_the_general_rules_name_the_surfaces_that_differ(folder: PolicyFolder, market: str, differing: object) -> None:
    assert show(folder, market).differing == differing
    assert show(folder, market, "search").differing == {}


def test_a_surface_that_no_file_names_is_told_apart(folder: PolicyFolder) -> None:
    assert show(folder, "GB", "search").named
    assert show(folder, "GB").named
    unnamed = show(folder, "GB", "feed")
    assert not unnamed.named
    assert unnamed.policies == show(folder, "GB").policies


def test_a_market_without_a_file_is_an_error(folder: PolicyFolder) -> None:
    with pytest.raises(KeyError):
        show(folder, "US")


NOW = datetime(2026, 3, 1, tzinfo=UTC)
AUTO = replace(POLICY, thresholds=None)
POINT = Thresholds(0.1, 0.9)
LATER, BEFORE = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 2, 27, tzinfo=UTC)


def _solved(point: Thresholds, market: str = "SE", policy: str = "gambling", targets: Targets = TARGETS) -> SolvedThresholds:
    return SolvedThresholds({SolvedFor(policy, market, targets): point})


@pytest.mark.parametrize(
    ("policy", "solved", "words"),
    [
        (AUTO, _solved(POINT), "approve below 0.100, reject from 0.900; solved for SE, uncertified"),
        (AUTO, _solved(POINT, POOLED), "approve below 0.100, reject from 0.900; solved for all markets together, uncertified"),
        (AUTO, _solved(replace(POINT, certificate_id="c-1")), "approve below 0.100, reject from 0.900; solved for SE, certificate c-1"),
        (
            AUTO,
            _solved(replace(POINT, certificate_id="c-1", expires_at=LATER)),
            "approve below 0.100, reject from 0.900; solved for SE, certificate c-1 until 2026-03-02",
        ),
        (
            AUTO,
            _solved(replace(POINT, certificate_id="c-1", expires_at=BEFORE)),
            "approve below 0.100, reject from 0.900; solved for SE, certificate c-1 expired 2026-02-27",
        ),
        (
            replace(AUTO, when_uncertified=WhenUncertified.REVIEW),
            _solved(POINT),
            "approve below 0.100, reject from 0.900; solved for SE, uncertified: a person decides",
        ),
        (
            AUTO,
            _solved(replace(POINT, certificate_id="c-1", expires_at=LATER, provisional=True)),
            "approve below 0.100, reject from 0.900; solved for SE, provisional certificate c-1 until 2026-03-02",
        ),
        (
            replace(AUTO, when_uncertified=WhenUncertified.REVIEW),
            _solved(replace(POINT, certificate_id="c-1", provisional=True)),
            "approve below 0.100, reject from 0.900; solved for SE, provisional certificate c-1: a person decides",
        ),
        (
            replace(AUTO, max_risk=0.05, min_risk_rejected=0.95),
            _solved(POINT),
            "approve below 0.050, reject from 0.950; solved for SE, held within max_risk and min_risk_rejected, uncertified",
        ),
        (AUTO, _solved(POINT, targets=replace(TARGETS, max_leakage=0.5)), "none were solved for these targets: a person decides"),
        (AUTO, _solved(POINT, policy="adult"), "none were solved for this policy: a person decides"),
        (POLICY, _solved(POINT), "approve below 0.080, reject from 0.900; written in the policy files, uncertified"),
        (replace(AUTO, stance=Stance.ALLOWED), _solved(POINT), "none needed: allowed"),
    ],
)
def test_the_thresholds_in_use_say_what_they_rest_on(policy: PolicyInForce, solved: SolvedThresholds, words: str) -> None:
    used = thresholds_in_use(policy, "SE", solved, NOW)
    assert used.words == words
    assert (used.thresholds is None) == words.startswith("none")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (POINT, {"approve_below": 0.1, "reject_at": 0.9}),
        (frozenset({"b", "a"}), ["a", "b"]),
        (0.02, 0.02),
        (Stance.ALLOWED, "allowed"),
        ("auto", "auto"),
    ],
)
def test_machines_get_numbers_and_lists(value: object, expected: object) -> None:
    assert plain(value) == expected


def _attribute(policy: PolicyInForce, key: str) -> object:
    where, _, name = key.rpartition(".")
    holder = policy.targets if where and hasattr(policy.targets, name) else policy
    found: object = getattr(holder, name)
    return found
