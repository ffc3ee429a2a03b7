"""The report stands alone, says every rate with its denominator, and marks what nobody has shown."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adverdict.decisions.policy import Targets, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.models.familiarity.familiarity import FamiliarityModel
from adverdict.models.familiarity.strangeness import Known
from adverdict.models.manifest import DataEntry
from adverdict.training.evaluation.metrics import Scored, measure
from adverdict.training.pages.report import ReportData, write_report
from tests.pages import Page
from tests.training.reports import blank, without_plots
from tests.training.scores import MARKETS, scored

TARGETS = Targets(0.02, 0.1, 0.95)


def report_data(ads: Scored, thresholds: Thresholds | None = None) -> ReportData:
    found = thresholds or Thresholds(0.05, 0.8)
    return ReportData(
        scored=ads,
        metrics={model: measure(ads, model, bootstrap=30) for model in ads.p},
        sources=[DataEntry(name="kids_video", digest="5a" * 32, ads=6401, labels=27020)],
        split="600 labelled ads of advertisers held back; trained on 2,400 others",
        bundle_version="0123456789abcdef",
        created_at=datetime(2026, 11, 22, 16, 5, tzinfo=UTC),
        thresholds=SolvedThresholds({SolvedFor("deceptive", market, TARGETS): found for market in (POOLED, "SE")}),
        skipped={"weapons": "4 <violating> ads, 20 are needed"},
        versions={"adverdict": "0.1.0", "lightgbm": "4.7.0"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "report"
    write_report(folder, report_data(scored(models=("ngram", "blend"))))
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text("utf-8"))


def test_it_fetches_nothing_and_runs_nothing(folder: Path, page: Page) -> None:
    assert page.fetched == []
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == page.tags["iframe"] == 0
    text = (folder / "report.html").read_text("utf-8")
    assert not re.search(r"@import|url\((?!#)", text)
    assert set(re.findall(r"https?://[^\"]+", text)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_every_policy_has_three_plots_in_the_page_and_as_png(folder: Path, page: Page) -> None:
    expected = {
        f"{policy}-{kind}" for policy in ("deceptive", "gambling") for kind in ("precision-recall", "reliability", "decision-curve")
    }
    pngs = {path.stem: path for path in folder.glob("*.png")}
    assert set(pngs) == expected
    assert all(path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n") for path in pngs.values())
    assert page.tags["figure"] == 6


def test_the_plots_take_the_pages_colours_and_no_id_is_used_twice(folder: Path, page: Page) -> None:
    text = (folder / "report.html").read_text("utf-8")
    assert "stroke: var(--blend)" in text
    assert "#0000" not in text
    assert [name for name, times in page.ids.items() if times > 1] == []


def test_it_names_data_split_version_thresholds_and_what_was_skipped(page: Page) -> None:
    for part in (
        "0123456789abcdef",
        "2026-11-22 16:05 UTC",
        "kids_video: 6,401 ads, 27,020 labels",
        "sha256 5a5a5a5a5a5a5a5a",
        "600 labelled ads of advertisers held back",
        "lightgbm 4.7.0",
        "uncertified",
        "leakage ≤ 2 %",
        "4 <violating> ads, 20 are needed",
        *MARKETS,
    ):
        assert part in page.words, part


def test_every_rate_has_its_denominator(page: Page) -> None:
    words = re.sub(r"\s+", " ", page.words)
    # Widths of intervals and the targets of policy files are not rates of anything counted here.
    rates = list(re.finditer(r"\d+\.\d %", words))
    assert len(rates) > 20
    for rate in rates:
        assert re.match(r" ?\(?[\d,]+ of [\d,]+", words[rate.end() :]), words[rate.start() - 40 : rate.end() + 40]


@pytest.mark.parametrize(
    ("thresholds", "said", "badge"),
    [
        (Thresholds(0.0, 0.8), "approves nobody", True),
        (Thresholds(0.05, 1.0), "rejects nobody", True),
        (Thresholds(0.05, 0.8, "cert-1"), "0.0500", False),
    ],
)
def test_thresholds_that_decide_nothing_say_so_and_certified_ones_carry_no_mark(
    tmp_path: Path, thresholds: Thresholds, said: str, badge: bool
) -> None:
    text = without_plots(tmp_path, report_data(scored(n=200), thresholds)).read_text("utf-8")
    assert said in text
    assert ('<span class="badge">uncertified</span>' in text) == badge


def test_the_outcome_of_thresholds_is_counted_on_the_reports_ads(tmp_path: Path) -> None:
    ads = scored(n=200)
    rated = ads.labelled("blend", "deceptive")
    approved, rejected = rated.p < 0.05, rated.p >= 0.8
    words = Page(without_plots(tmp_path, report_data(ads)).read_text("utf-8")).words
    for k, n in (
        (approved.sum(), rated.y.size),
        ((approved & rated.y).sum(), approved.sum()),
        ((rejected & ~rated.y).sum(), rejected.sum()),
        ((~approved & ~rejected).sum(), rated.y.size),
    ):
        assert f"{k} of {n}" in words


@pytest.mark.parametrize("filling", [0.0, 1.0, np.nan], ids=["no violation", "violations only", "nobody rated"])
def test_a_policy_with_one_class_or_none_has_no_plots_and_no_false_numbers(tmp_path: Path, filling: float) -> None:
    ads = scored(n=100)
    targets = ads.targets.copy()
    targets[:, 0] = np.where(np.isnan(targets[:, 0]), np.nan, filling)
    text = without_plots(tmp_path, report_data(replace(ads, targets=targets))).read_text("utf-8")
    assert "There is nothing to draw" in text
    assert not list(tmp_path.glob("deceptive-*.png"))
    assert not re.search(r">\s*(nan|None)\s*<", text)


@pytest.mark.slow
def test_the_same_figures_make_the_same_bytes(tmp_path: Path) -> None:
    data = report_data(scored(n=150, policies=("deceptive",)))
    first, second = (write_report(tmp_path / name, data) for name in "ab")
    for path in first.parent.iterdir():
        assert path.read_bytes() == (second.parent / path.name).read_bytes(), path.name


def test_the_share_of_honest_ads_that_count_as_unfamiliar_is_told_with_its_groups(tmp_path: Path) -> None:
    ads = scored(models=("ngram", "blend"))
    honest = np.flatnonzero(~(np.nan_to_num(ads.targets) >= 0.5).any(axis=1))
    p = np.full(len(ads.ad_ids), 0.5)
    p[honest[:3]] = 0.01
    groups = {
        ("en", "feed"): np.zeros(1200, np.float32),
        ("en", None): np.zeros(1000, np.float32),
        (None, None): np.zeros(2300, np.float32),
    }
    known = FamiliarityModel(Known(np.zeros(1, np.bool_), frozenset(), frozenset()), groups)
    write_report(tmp_path, replace(report_data(replace(ads, familiarity=p)), familiarity=known), render=blank)
    text = " ".join((tmp_path / "report.html").read_text("utf-8").split())
    assert f"3 of {honest.size} honest ads that were held back count as unfamiliar, {300 / honest.size:.2f} %" in text
    assert "en, feed (1,200); en, other surfaces (1,000); everything else (2,300)." in text
