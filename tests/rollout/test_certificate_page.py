"""The page of certificates stands alone, promises only what is certified, and says who is left to people."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adverdict.certification.certificate import Certificate, sealed
from adverdict.certification.thresholds.solve import Terms, certify
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
    shown = [issued[name] for name in ("together", "never_rejects", "infeasible")]
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


def test_what_is_certified_is_drawn_in_the_pages_colours(folder: Path, page: Page, issued: dict[str, Certificate]) -> None:
    kinds = {
        "together": ("leakage", "wrongful", "review"),
        "never_rejects": ("leakage", "review"),
    }
    drawn = {f"{issued[name].certificate_id}-{kind}" for name, made in kinds.items() for kind in made}
    assert {prefix for one in page.ids for prefix in drawn if one.startswith(prefix)} == drawn
    assert page.tags["figure"] == 5
    assert [path.name for path in folder.iterdir()] == [PAGE]
    text = (folder / PAGE).read_text("utf-8")
    assert "stroke: var(--blend)" in text
    assert "#0000" not in text


@pytest.mark.parametrize(
    ("name", "stands", "said"),
    [
        ("certified", "certified", ["below {below:g}", "from {at:g}", "holds until 2027-02-20", "{automatic:,} of {ads:,}"]),
        (
            "together",
            "certified",
            ["over BR, DE, GB, SE, US taken together", "lends its labels; what is asked for there is solved by itself"],
        ),
        ("unlike_the_others", "not certified", ["Nothing is certified here", "lends its labels", "3,660 labelled ads"]),
        ("rejecting_not_shown", "partly certified", ["below {below:g}", "nobody", "Rejects nobody yet"]),
        ("approving_not_shown", "partly certified", ["from {at:g}", "provisional", "Approving is not certified"]),
        ("infeasible", "not certified", ["A person decides all others", "provisionally, where the policy lets it120 labelled ads"]),
        ("never_rejects", "certified", ["Approve below {below:g}", "0 rejected"]),
        ("idle", "certified", ["limits nothing here", "max_missed 0.01 is not shown"]),
        ("label_noise", "certified", ["tested: 2.7 %", "Raters find at least 90 % of violations"]),
        ("looked_again", "certified", ["They are looked at more than once"]),
        ("cautious", "certified", ["below {below:g}", "from {at:g}"]),
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
    limits = ("no approval at a risk of 0.25 or more", "no rejection below 0.5", "A leak counts as 5 wrongful rejections")
    assert all(limit in shown for limit in limits)
    facts = {"below": one.approve_below, "at": one.reject_at, "automatic": counted.automatic, "ads": counted.ads}
    for part in (stands, *said):
        assert part.format(**facts) in shown, part


@pytest.mark.parametrize("name", ["unlike_the_others", "infeasible"])
def test_nothing_holds_until_a_day_where_nothing_is_promised(name: str, plain: dict[str, Certificate], tmp_path: Path) -> None:
    shown = words(write_page(tmp_path, [plain[name]]))
    assert "holds until" not in shown
    assert "February 2027" not in shown
    assert "✓" not in shown


def test_the_evidence_of_each_side_is_in_the_table(plain: dict[str, Certificate], tmp_path: Path) -> None:
    cells = re.findall(r"<td[^>]*>(.*?)</td>", write_page(tmp_path, [plain["certified"]]).read_text("utf-8"))
    for bound in plain["certified"].bounds:
        count = bound.used
        assert count is not None
        assert bound.upper is not None
        for expected in (f"{count.ads:,}", f"{count.rate * 100:.3g} %", f"{bound.upper * 100:.3g} %", f"{count.draws:,.0f}"):
            assert expected in cells, expected


def counted(below: float, at: float) -> tuple[int, int]:
    """From the ads themselves."""
    ads = scored({"SE": 2500})
    risk = ads.risk[~np.isnan(ads.verdict[:, 0]), 0]
    return int((risk < below).sum()), int((risk >= at).sum())


@pytest.mark.parametrize("name", ["certified", "rejecting_not_shown", "approving_not_shown", "never_rejects", "label_noise", "cautious"])
def test_the_thresholds_in_use_split_the_labelled_ads_as_counted(name: str, plain: dict[str, Certificate]) -> None:
    one = plain[name]
    found = split(one)
    assert (found.approved, found.rejected) == counted(one.approve_below, one.reject_at)
    assert found.automatic + found.review == one.ads == 2500


def test_a_side_that_is_not_certified_decides_none_of_them(plain: dict[str, Certificate]) -> None:
    assert split(plain["infeasible"]).automatic == 0
    assert split(plain["rejecting_not_shown"]).rejected == 0
    assert split(plain["approving_not_shown"]).approved == 0


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
    start = text.index('class="matrix"')
    matrix = text[start : text.index("</table>", start)]
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
    together = solutions(curves=False)["together"].certificates
    shown = words(write_page(tmp_path, together))
    assert "JP" in shown
    certified = [one for one in together if standing(one).words == "certified"]
    assert len(certified) > 2
    assert f"✓ certified {len(certified)}" in shown
