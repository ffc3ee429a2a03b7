"""A challenger that is worse, miscalibrated, built on other features or missing a policy is refused, and told so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adverdict.domain.errors import GateRefused, NotJudged
from adverdict.training.evaluation.compare import compare
from adverdict.training.evaluation.metrics import measure
from adverdict.training.gates import Gate, counted, first_of_all, gates, require
from tests.training.scores import scored
from tests.training.test_compare import noisier


def failed(outcome: list[Gate]) -> set[str]:
    return {gate.name for gate in outcome if gate.outcome == "failed"}


def good(**changes: Any) -> dict[str, Any]:
    return measure(scored(n=2000, **changes), "blend", bootstrap=20)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, set(), id="right"),
        pytest.param({"slope": 0.4}, {"calibration slope at deceptive"}, id="too extreme"),
        pytest.param({"slope": 2.5}, {"calibration slope at deceptive"}, id="too timid"),
        pytest.param({"shift": 1.5}, {"calibration level at deceptive"}, id="too low"),
        pytest.param({"shift": -1.5}, {"calibration level at deceptive"}, id="too high"),
        pytest.param({"slope": 0.8, "shift": 0.3}, set(), id="a little off"),
    ],
)
def test_risks_must_mean_what_they_say(changes: dict[str, float], expected: set[str]) -> None:
    outcome = failed(gates(good(policies=("deceptive",), **changes)))
    assert outcome >= expected
    assert bool(outcome) == bool(expected)


def test_calibration_is_not_judged_on_few_positives_and_the_gate_says_so() -> None:
    outcome = gates(measure(scored(n=60, policies=("deceptive",), shift=3), "blend", bootstrap=20))
    assert not failed(outcome)
    assert any("violating ads of deceptive were held back, 30 are needed" in gate.sentence for gate in outcome)


def test_calibration_is_not_judged_by_a_few_large_advertisers_and_the_gate_says_so() -> None:
    ads = scored(n=2000, policies=("deceptive",), shift=1.5)
    few = replace(ads, groups=tuple(f"adv-{number % 9}" for number in range(2000)))
    outcome = gates(measure(few, "blend", bootstrap=20))
    assert not failed(outcome)
    assert any(
        gate.sentence == "not judged: 9 advertisers with violating ads of deceptive were held back, 10 are needed" for gate in outcome
    )


@pytest.mark.parametrize(("noise", "expected"), [(4.0, {"not worse at deceptive", "not worse at gambling"}), (0.05, set())])
def test_it_must_not_be_worse_than_the_champion_beyond_the_interval(noise: float, expected: set[str]) -> None:
    ads = scored()
    assert failed(gates({"policies": {}}, compare(ads, noisier(ads, noise), bootstrap=300))) == expected


@pytest.mark.parametrize(("may_drop", "expected"), [((), {"keeps weapons"}), (("weapons",), set())])
def test_a_policy_of_the_champion_may_be_dropped_only_on_purpose(may_drop: tuple[str, ...], expected: set[str]) -> None:
    assert failed(gates(good(), champion_policies=("deceptive", "weapons"), may_drop=may_drop)) == expected


def test_a_refusal_names_every_failed_gate_with_what_was_measured_and_allowed() -> None:
    ads = scored()
    outcome = gates(
        good(policies=("deceptive",), slope=0.4),
        compare(ads, noisier(ads, 4), bootstrap=300),
        champion_policies=("weapons",),
        contract_difference=["only the model has caps_share"],
    )
    with pytest.raises(GateRefused) as refusal:
        require(outcome)
    message = str(refusal.value)
    for name in failed(outcome):
        assert name in message
    assert failed(outcome) >= {"feature contract", "keeps weapons", "not worse at deceptive", "calibration slope at deceptive"}
    assert "only the model has caps_share" in message
    assert "allowed an interval that reaches 0.67 to 1.5" in message


def test_without_a_champion_nothing_is_worse_and_nothing_is_raised() -> None:
    outcome = gates(good())
    require(outcome)
    assert any(gate.sentence == "not judged: there is no champion to compare it with" for gate in outcome)


def test_what_could_not_be_judged_has_not_passed_and_strict_refuses_it_by_name() -> None:
    few = measure(scored(n=60, policies=("deceptive",)), "blend", bootstrap=20)
    outcome = gates(few)
    unjudged = {gate.name for gate in outcome if gate.outcome == "not judged"}
    assert unjudged == {"not worse", "calibration slope at deceptive", "calibration level at deceptive"}
    assert counted(outcome) == "1 gate passed, 3 not judged"
    require(outcome)
    with pytest.raises(NotJudged, match="3 of 4 gates could not judge") as refusal:
        require(outcome, strict=True)
    assert all(name in str(refusal.value) for name in unjudged)
    assert (refusal.value.exit_code, GateRefused("").exit_code) == (4, 3)


def test_a_failed_gate_is_named_before_what_could_not_be_judged() -> None:
    outcome = gates(good(policies=("deceptive",), slope=0.4))
    with pytest.raises(GateRefused, match="calibration slope at deceptive") as refusal:
        require(outcome, strict=True)
    assert not isinstance(refusal.value, NotJudged)


def test_a_first_champion_of_which_nothing_was_judged_is_said_plainly() -> None:
    unjudged = first_of_all(gates(measure(scored(n=60, policies=("deceptive",)), "blend", bootstrap=20)), None)
    assert unjudged is not None
    assert "too few violating ads were held back" in unjudged
    assert first_of_all(gates(good()), None) == "it is the first champion: it was compared with nothing"
    assert first_of_all(gates(good()), "3") is None
