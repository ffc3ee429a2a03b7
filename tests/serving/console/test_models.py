"""The models page says what decides in every market, how that stands, and serves the reports that were written of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adverdict.decisions.policy import PolicyBook, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.review.quality.estimates import Estimate
from adverdict.review.quality.quality import PolicyQuality, QualityReport, ReviewerQuality, Workload
from adverdict.review.quality.raters import Quality
from adverdict.scoring.opened import open_bundle
from adverdict.scoring.scorer import Scorer
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.quality import Targets, _ahead
from adverdict.serving.console.reviewers import lines
from adverdict.serving.console.standing.grid import grid
from adverdict.serving.console.standing.measured import measured
from tests.serving.console.conftest import Visitor, log_in
from tests.serving.console.filled import NOW


@pytest.mark.parametrize(
    ("given", "standing"),
    [
        (Thresholds(0.05, 0.9, "crt-1", NOW + timedelta(days=60)), "certified"),
        (Thresholds(0.05, 0.9, "crt-1", NOW + timedelta(days=3)), "ends soon"),
        (Thresholds(0.05, 0.9, "crt-1", NOW - timedelta(days=1)), "expired"),
        (Thresholds(0.05, 0.9, "crt-1", NOW + timedelta(days=60), provisional=True), "provisional"),
        (Thresholds(0.05, 0.9), "uncertified"),
        (None, "people"),
    ],
)
def test_a_cell_says_how_its_thresholds_stand(given: Thresholds | None, standing: str, packaged: PolicyBook) -> None:
    policy = next(one for one in packaged.in_force("SE", None) if one.name == "adult")
    points = {} if given is None else {SolvedFor("adult", POOLED, policy.targets): given}
    general, surfaces = grid(packaged, SolvedThresholds(points), NOW)
    line = next(one for one in general if one.policy == "adult")
    cell = line.cells[packaged.markets.index("SE")]
    assert cell is not None
    assert cell.standing == standing
    assert all(one.surface for one in surfaces)


def test_a_policy_that_may_only_restrict_never_rejects(packaged: PolicyBook) -> None:
    policy = next(one for one in packaged.in_force("SE", None) if one.name == "gambling")
    solved = SolvedThresholds({SolvedFor("gambling", POOLED, policy.targets): Thresholds(0.05, 0.9)})
    line = next(one for one in grid(packaged, solved, NOW)[0] if one.policy == "gambling")
    cell = line.cells[packaged.markets.index("SE")]
    assert cell is not None
    assert cell.at == 1.0


def test_every_cell_leads_to_its_policy_in_its_market(empty: Parts, visit: Visitor) -> None:
    text = log_in(visit(empty)).get("/console/models").text
    links = re.findall(r"/console/policies\?policy=(\w+)&amp;market=(\w\w)", text) or re.findall(
        r"/console/policies\?policy=(\w+)&market=(\w\w)", text
    )
    assert {market for _, market in links} == set(empty.book.markets)
    assert {policy for policy, _ in links} == set(empty.book.names)


def test_the_reports_of_the_model_in_service_are_served_as_they_are_and_can_do_nothing(
    empty: Parts, visit: Visitor, tmp_path: Path
) -> None:
    loaded = empty.champion.state.loaded
    assert loaded is not None
    assert loaded.scorer.model is not None
    for folder, name in (
        (tmp_path / "reports" / "b320261012", "report.html"),
        (tmp_path / "certificates" / ("c" * 16), "certificates.html"),
    ):
        folder.mkdir(parents=True)
        (folder / name).write_text(f"<h1>{name}</h1>")
    object.__setattr__(loaded.scorer.model, "version", "b320261012")
    client = log_in(visit(replace(empty, home=tmp_path)))
    for path, name in (("report", "report.html"), ("certificates", "certificates.html")):
        answer = client.get(f"/console/models/{path}")
        assert answer.text == f"<h1>{name}</h1>"
        assert answer.headers["content-security-policy"].startswith("sandbox")
        assert f"/console/models/{path}" in client.get("/console/models").text


def test_a_report_that_is_elsewhere_is_said_to_be(empty: Parts, visit: Visitor) -> None:
    answer = log_in(visit(empty)).get("/console/models/report")
    assert answer.status_code == 404
    assert "with the run in MLflow" in answer.text


def quality(policy: str, worth: float, reviewer: str = "ana") -> ReviewerQuality:
    known, unknown = Estimate(0.9, 0.6, 0.98, worth), Estimate(0.61, 0.0015, 0.998, 0.0)
    return ReviewerQuality(policy, Quality(reviewer, known, unknown, 12, 3), True)


def test_a_reviewer_has_one_line_and_no_figure_that_is_worth_fewer_than_ten_ads() -> None:
    work = Workload("ana", 20, {"approve": 20}, 3, 30.0, None)
    (line,) = lines([work], [quality("adult", 25.0), quality("gambling", 9.9), quality("adult", 50.0, "bo")])
    assert [one.policy for one in line.measured] == ["adult"]
    assert line.measured[0].specificity is None
    assert (line.unmeasured, line.readings, line.golden) == (1, 24, 6)


def test_it_is_said_when_a_target_can_be_shown_kept() -> None:
    def told(approved: int, unread: int) -> QualityReport:
        return QualityReport(None, None, (PolicyQuality("adult", None, None, None, approved, 0, unread),), (), (), ())

    assert _ahead(told(5000, 30), {"adult": Targets(0.01, 0.1)}, 28) == {"adult": 40}
    assert _ahead(told(5000, 0), {"adult": Targets(0.01, 0.1)}, 28) == {}


def test_a_bundle_in_service_says_what_it_learnt_from_and_how_well_it_did(empty: Parts, visit: Visitor, tiny_bundle: Path) -> None:
    """With a bundle as the service opens it, not a fake that has what the page asks for."""
    state = empty.champion.state
    assert state.loaded is not None
    model = open_bundle(tiny_bundle)
    empty.champion.state = replace(state, loaded=replace(state.loaded, scorer=Scorer(model, empty.book)))
    text = log_in(visit(empty)).get("/console/models").text
    assert ("Simulated data" in text) is any(one.made_up for one in model.manifest.data) is True
    told = measured(model.manifest.metrics)
    assert told
    for one in told:
        assert f"<td>{one.violating}</td><td>{one.ads}</td><td>{one.advertisers}</td>" in text
