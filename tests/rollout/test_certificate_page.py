"""The page of certificates stands alone, promises only what is certified, and says who is left to people."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adverdict.certification.certificate import Certificate, sealed
from adverdict.certification.thresholds.solve import Terms, certify
from adverdict.certification.words import Side
from adverdict.domain.errors import UntrustedBundle
from adverdict.rollout.pages.certificates import PAGE, standing, write_page
from adverdict.rollout.pages.plots import split
from tests.certification.issued import ORIGIN, PLAIN, cautious, certificates, rules, scored, solutions
from tests.pages import Page

HOSTILE = '<script>alert("$x$")</script> & "sons"'


@pytest.fixture(scope="module")
def issued() -> dict[str, Certificate]:
    return {**certificates(), "cautious": cautious()}


@pytest.fixture(scope="module")
def plain() -> dict[str, Certificate]:
    """Without curves, so that a page of them costs no drawing."""
    return {**certificates(curves=False), "cautious": cautious(curves=False)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, issued: dict[str, Certificate]) -> Path:
    folder = tmp_path_factory.mktemp("made") / "certificates"
    shown = [issued[name] for name in ("pooled", "never_rejects", "infeasible")]
    write_page(folder, shown, solved_by=HOSTILE, titles={"gambling": HOSTILE})
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / PAGE).read_text("utf-8"))


def words(path: Path) -> str:
    return re.sub(r"\s+", " ", Page(path.read_text("utf-8")).words)


def test_it_fetches_nothing_and_runs_nothing(folder: Path, page: Page) -> None:
    assert page.fetched == []
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == page.tags["iframe"] == 0
    text = (folder / PAGE).read_text("utf-8")
    assert not re.search(r"@import|url\((?!#)", text)
    assert set(re.findall(r"https?://[^\"]+", text)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_titles_and_notes_are_shown_as_they_were_written(page: Page) -> None:
    assert page.words.count(HOSTILE) >= 2


def test_every_link_leads_somewhere_and_no_id_is_used_twice(folder: Path, page: Page) -> None:
    text = (folder / PAGE).read_text("utf-8")
    led = set(re.findall(r'<a href="#([^"]+)"', text))
    assert len(led) > 4
    assert led <= set(page.ids)
    assert [name for name, times in page.ids.items() if times > 1] == []


def test_every_bound_and_the_review_load_are_drawn_in_the_pages_colours_and_as_png(
    folder: Path, page: Page, issued: dict[str, Certificate]
) -> None:
    kinds = {
        "pooled": ("leakage", "wrongful", "review"),
        "never_rejects": ("leakage", "review"),
        "infeasible": ("leakage", "wrongful", "review"),
    }
    assert {path.stem for path in folder.glob("*.png")} == {
        f"{issued[name].certificate_id}-{kind}" for name, made in kinds.items() for kind in made
    }
    assert page.tags["svg"] == 8
    text = (folder / PAGE).read_text("utf-8")
    assert "stroke: var(--blend)" in text
    assert "#0000" not in text


@pytest.mark.parametrize(
    ("name", "stands", "said"),
    [
        ("certified", "certified", ["below {below:g}", "from {at:g}", "holds until 20 February 2027", "{automatic:,} of {ads:,}"]),
        ("pooled", "certified", ["not served: SE", "it serves DE, GB, US", "no: its own labels speak against it"]),
        ("borrowed", "not certified", ["Nothing is certified here", "lends its labels", "nothing2,560 labelled ads"]),
        ("partly", "partly certified", ["below {below:g}", "nobody", "is infeasible with 2,500 labelled ads"]),
        ("infeasible", "not certified", ["every ad whose risk decides goes to a person", "nothing120 labelled ads"]),
        ("uncertified", "not certified", ["without any promise", "uncertified", "by the model's own thresholds120 labelled ads"]),
        ("never_rejects", "certified", ["Approve below {below:g}", "0 rejected"]),
        ("label_noise", "certified", ["tested: 2.7 %", "Raters find at least 90 % of violations"]),
        ("cautious", "certified", ["in use: {below:g}", "in use: {at:g}"]),
    ],
)
def test_a_certificate_of_each_kind_says_how_it_stands(
    name: str, stands: str, said: list[str], plain: dict[str, Certificate], tmp_path: Path
) -> None:
    one = plain[name]
    shown = words(write_page(tmp_path, [one]))
    counted = split(one)
    assert standing(one).words == stands
    assert one.statement in shown
    assert all(finding in shown for finding in one.findings)
    assert all(assumption in shown for assumption in one.assumptions)
    facts = {"below": one.approve_below, "at": one.reject_at, "automatic": counted.automatic, "ads": counted.ads}
    for part in (stands, *said):
        assert part.format(**facts) in shown, part


@pytest.mark.parametrize("name", ["borrowed", "infeasible", "uncertified"])
def test_nothing_holds_until_a_day_where_nothing_is_promised(name: str, plain: dict[str, Certificate], tmp_path: Path) -> None:
    shown = words(write_page(tmp_path, [plain[name]]))
    assert "holds until" not in shown
    assert "February 2027" not in shown
    assert "✓" not in shown


def test_the_evidence_of_each_side_is_in_the_table(plain: dict[str, Certificate], tmp_path: Path) -> None:
    cells = re.findall(r"<td[^>]*>(.*?)</td>", write_page(tmp_path, [plain["certified"]]).read_text("utf-8"))
    for bound in plain["certified"].bounds:
        count = bound.certified_to
        assert count is not None
        assert bound.upper is not None
        for expected in (f"{count.ads:,}", f"{count.rate * 100:.3g} %", f"{bound.upper * 100:.3g} %", f"{count.draws:,.0f}"):
            assert expected in cells, expected


def counted(below: float, at: float) -> tuple[int, int]:
    """From the ads themselves."""
    ads = scored({"SE": 2500})
    risk = ads.risk[~np.isnan(ads.verdict[:, 0]), 0]
    return int((risk < below).sum()), int((risk >= at).sum())


@pytest.mark.parametrize("name", ["certified", "partly", "never_rejects", "label_noise"])
def test_the_boldest_thresholds_split_the_labelled_ads_as_counted(name: str, plain: dict[str, Certificate]) -> None:
    one = plain[name]
    found = split(one)
    assert (found.approved, found.rejected) == counted(one.approve_below, one.reject_at)
    assert found.exact
    assert found.automatic + found.review == one.ads == 2500


@pytest.mark.parametrize(("curves", "off"), [(True, 0.0), (False, 0.06)])
def test_thresholds_the_curve_does_not_hold_are_read_off_a_line_and_the_page_says_so(curves: bool, off: float) -> None:
    one = cautious(curves=curves)
    found = split(one)
    approved, rejected = counted(one.approve_below, one.reject_at)
    assert found.exact == curves
    assert found.approved == pytest.approx(approved, abs=off * 2500)
    assert found.rejected == pytest.approx(rejected, abs=off * 2500)


@pytest.mark.parametrize("side", ["approve", "reject"])
def test_one_threshold_for_both_sides_leaves_nobody_to_people(side: str, issued: dict[str, Certificate]) -> None:
    bound = issued["certified"].bound(Side(side))
    assert bound is not None
    assert bound.certified_to is not None
    common = bound.certified_to.threshold
    found = split(issued["certified"].model_copy(update={"approve_below": common, "reject_at": common}))
    assert (found.approved, found.rejected) == counted(common, common)
    assert found.review == 0


def test_thresholds_outside_everything_counted_are_refused(plain: dict[str, Certificate], tmp_path: Path) -> None:
    with pytest.raises(UntrustedBundle, match=r"counted no ads around its threshold 0\.0001"):
        write_page(tmp_path, [plain["certified"].model_copy(update={"approve_below": 0.0001})])


def test_thresholds_that_decide_nothing_are_not_called_certified(plain: dict[str, Certificate], tmp_path: Path) -> None:
    unused = sealed(plain["certified"].model_copy(update={"approve_below": 0.0, "reject_at": 1.0}))
    shown = words(write_page(tmp_path, [unused]))
    assert standing(unused).words == "not in use"
    assert "✓" not in shown


def test_many_certificates_are_found_by_policy_and_market(tmp_path: Path) -> None:
    markets = [f"{first}{second}" for first in "ABCDE" for second in "VWXYZ"]
    ads = scored(dict.fromkeys(markets, 10))
    names = ("adult", "gambling", "weapons")
    several = replace(ads, policies=names, risk=ads.risk.repeat(3, axis=1), verdict=ads.verdict.repeat(3, axis=1))
    book = rules(PLAIN, *markets)
    every = {market: replace(one, elsewhere=tuple(replace(PLAIN, name=name) for name in names)) for market, one in book.rules.items()}
    made = certify(several, replace(book, names=names, rules=every), ORIGIN, Terms(curves=False)).certificates
    assert len(made) == 75
    text = write_page(tmp_path, made).read_text("utf-8")
    matrix = text[text.index('class="matrix"') : text.index("</table>")]
    assert all(f">{market}</th>" in matrix for market in markets)
    assert len(re.findall(r'href="#cert-', matrix)) == 75
    assert set(re.findall(r'href="#(cert-\w+)"', matrix)) == set(re.findall(r'<article id="(cert-\w+)"', text))


def test_without_certificates_it_says_so(tmp_path: Path) -> None:
    assert "There are none" in words(write_page(tmp_path, []))


def test_the_same_certificates_make_the_same_bytes(tmp_path: Path, issued: dict[str, Certificate]) -> None:
    first, second = (write_page(tmp_path / name, [issued["never_rejects"]]) for name in "ab")
    for path in first.parent.iterdir():
        assert path.read_bytes() == (second.parent / path.name).read_bytes(), path.name


def test_a_whole_solution_fits_on_one_page(tmp_path: Path) -> None:
    pooled = solutions(curves=False)["pooled"].certificates
    shown = words(write_page(tmp_path, pooled))
    assert "JP" in shown
    assert "✓ certified 3" in shown
