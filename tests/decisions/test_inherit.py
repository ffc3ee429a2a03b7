"""Global -> market -> surface."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict import policies
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import (
    Licence,
    PolicyBook,
    PolicyInForce,
    Severity,
    Stance,
    Targets,
    Thresholds,
    WhenDegraded,
    WhenUncertified,
)
from adverdict.domain.identity import surface_key
from tests.decisions.build import DEFAULT_YAML, write_folder

GAMBLING = "policies:\n  gambling:\n    "
OF_DEFAULT = "surfaces:\n  kids_video:\n    gambling: {stance: prohibited}\n"


def gambling(book: PolicyBook, market: str = "SE", surface: str | None = None) -> PolicyInForce:
    return next(policy for policy in book.in_force(market, surface) if policy.name == "gambling")


def test_a_market_that_says_nothing_is_the_default(tmp_path: Path) -> None:
    book = read_policies(write_folder(tmp_path))
    assert gambling(book) == PolicyInForce(
        name="gambling",
        title="Gambling",
        severity=Severity.SERIOUS,
        stance=Stance.PROHIBITED,
        targets=Targets(0.02, 0.1, 0.95),
        thresholds=None,
        when_degraded=WhenDegraded.REVIEW,
        reason="Gambling may not be advertised here.",
        licence=Licence.NONE,
        when_uncertified=WhenUncertified.DECIDE,
        audit_share=0.01,
        max_risk=0.25,
        min_risk_rejected=0.5,
        max_missed=None,
    )


@pytest.mark.parametrize(("severity", "max_risk"), [("quality", 0.5), ("serious", 0.25), ("severe", 0.1), ("zero_tolerance", 0.05)])
def test_where_no_file_says_otherwise_the_severity_says_how_risky_an_approved_ad_may_be(
    tmp_path: Path, severity: str, max_risk: float
) -> None:
    inherited = gambling(read_policies(write_folder(tmp_path, SE=f"extends: default\n{GAMBLING}severity: {severity}\n")))
    assert inherited.max_risk == max_risk
    own = gambling(
        read_policies(write_folder(tmp_path, SE=f"extends: default\n{GAMBLING}severity: {severity}\n    targets: {{max_risk: 0.3}}\n"))
    )
    assert own.max_risk == 0.3


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("title: Wagers", "title", "Wagers"),
        ("severity: quality\n    targets: {max_risk: 0.25}", "severity", Severity.QUALITY),
        ("targets: {max_risk: 0.1}", "max_risk", 0.1),
        ("targets: {max_risk: 1}", "max_risk", 1.0),
        ("targets: {min_risk_rejected: 0}", "min_risk_rejected", 0.0),
        ("targets: {max_missed: 0.2}", "max_missed", 0.2),
        ("stance: allowed", "stance", Stance.ALLOWED),
        ("targets: {max_leakage: 0.5}", "targets", Targets(0.5, 0.1, 0.95)),
        ("targets: {max_leakage: 1e-3, confidence: .9}", "targets", Targets(0.001, 0.1, 0.9)),
        ("thresholds: {approve_below: 0, reject_at: 1}", "thresholds", Thresholds(0.0, 1.0)),
        ("thresholds: {approve_below: 0.5, reject_at: 0.5}", "thresholds", Thresholds(0.5, 0.5)),
        ("thresholds: auto", "thresholds", None),
        ("when_degraded: hold", "when_degraded", WhenDegraded.HOLD),
        ("when_uncertified: review", "when_uncertified", WhenUncertified.REVIEW),
        ("audit_share: 0", "audit_share", 0.0),
        ("audit_share: 1", "audit_share", 1.0),
        ("licence: none", "licence", Licence.NONE),
        ("reason: No.", "reason", "No."),
        ("reason: >-\n      Two\n      lines.", "reason", "Two lines."),
    ],
)
def test_a_market_may_change_any_value_and_inherits_the_rest(tmp_path: Path, line: str, field: str, value: object) -> None:
    plain = gambling(read_policies(write_folder(tmp_path)))
    changed = gambling(read_policies(write_folder(tmp_path, SE=f"extends: default\n{GAMBLING}{line}\n")))
    assert getattr(changed, field) == value
    for other in set(PolicyInForce.__dataclass_fields__) - {field}:
        assert getattr(changed, other) == getattr(plain, other)


CONFLICTS = [
    ("only the default speaks", "", "", "", "prohibited"),
    ("the market outranks the default", "stance: allowed", "", "", "allowed"),
    ("the market's surface outranks the market", "stance: allowed", "stance: restricted", "", "restricted"),
    ("the default's surface outranks the market too", "stance: allowed", "", OF_DEFAULT, "prohibited"),
    ("the market's surface outranks the default's", "stance: allowed", "stance: restricted", OF_DEFAULT, "restricted"),
]


@pytest.mark.parametrize(("_case", "general", "surface", "default", "stance"), CONFLICTS, ids=[case[0] for case in CONFLICTS])
def test_the_narrower_case_wins(tmp_path: Path, _case: str, general: str, surface: str, default: str, stance: str) -> None:
    market = "extends: default\n"
    market += f"{GAMBLING}{general}\n" if general else ""
    market += f"surfaces:\n  kids_video:\n    gambling: {{{surface}}}\n" if surface else ""
    book = read_policies(write_folder(tmp_path, default=DEFAULT_YAML + default, SE=market))
    assert gambling(book, surface="kids_video").stance == stance
    assert gambling(book, surface="feed").stance == (general.removeprefix("stance: ") or "prohibited")


NEW_KEYS = [
    ("audit_share", "0.1", "0.2", "0.3"),
    ("when_uncertified", "review", "decide", "review"),
    ("licence", "required", "none", "required"),
]


@pytest.mark.parametrize(("key", "default", "market", "surface"), NEW_KEYS, ids=[case[0] for case in NEW_KEYS])
def test_every_key_is_inherited_from_default_to_market_to_surface(
    tmp_path: Path, key: str, default: str, market: str, surface: str
) -> None:
    restricted = DEFAULT_YAML.replace("    severity: serious\n    stance: prohibited\n", "    severity: serious\n    stance: restricted\n")
    general = restricted.replace("    severity: serious\n", f"    severity: serious\n    {key}: {default}\n")
    narrow = f"extends: default\n{GAMBLING}{key}: {market}\nsurfaces:\n  search:\n    gambling: {{{key}: {surface}}}\n"
    book = read_policies(write_folder(tmp_path, default=general, SE=narrow, GB="extends: default\n"))
    found = [getattr(gambling(book, *place), key) for place in (("GB", "search"), ("SE", "feed"), ("SE", "search"))]
    assert [f"{value:g}" if isinstance(value, float) else str(value) for value in found] == [default, market, surface]


def test_a_market_may_extend_another_market(tmp_path: Path) -> None:
    german = f"extends: SE\n{GAMBLING}targets: {{confidence: 0.9}}\n"
    swedish = f"extends: default\n{GAMBLING}stance: restricted\n    targets: {{max_leakage: 0.5}}\n"
    found = gambling(read_policies(write_folder(tmp_path, SE=swedish, DE=german)), "DE")
    assert (found.stance, found.targets) == (Stance.RESTRICTED, Targets(0.5, 0.1, 0.9))


def test_norway_is_a_country_and_not_a_truth_value(tmp_path: Path) -> None:
    assert read_policies(write_folder(tmp_path, NO="extends: default\n", DK="extends: NO\n")).markets == ("DK", "NO", "SE")


@pytest.mark.parametrize(
    ("surface", "in_force"),
    [("kids_video", True), ("Kids-Video", True), (" kids video ", True), ("feed", False), ("kids", False), ("", False), (None, False)],
)
def test_a_policy_with_surfaces_is_in_force_only_there(tmp_path: Path, surface: str | None, in_force: bool) -> None:
    book = read_policies(write_folder(tmp_path))
    assert ("kids_unsuitable" in [policy.name for policy in book.in_force("SE", surface)]) is in_force
    assert surface_key(surface) == surface_key(surface_key(surface))


def test_a_market_may_widen_or_narrow_the_surfaces(tmp_path: Path) -> None:
    wide = "extends: default\npolicies:\n  kids_unsuitable: {surfaces: all}\n  gambling: {surfaces: [feed, search]}\n"
    book = read_policies(write_folder(tmp_path, SE=wide))
    assert [policy.name for policy in book.in_force("SE", "stories")] == ["deceptive", "kids_unsuitable"]
    assert [policy.name for policy in book.in_force("SE", "feed")] == ["deceptive", "gambling", "kids_unsuitable"]


def test_an_unknown_market_has_no_policies(tmp_path: Path) -> None:
    book = read_policies(write_folder(tmp_path))
    assert (book.knows("SE"), book.knows("ZZ"), book.knows("default"), book.in_force("ZZ", None)) == (True, False, False, ())


SAME = [
    ("comments and blank lines", "# hello\n\nextends: default   # yes\n"),
    ("a byte order mark and Windows line ends", "\ufeffextends: default\r\n"),
    ("a value that repeats the default", f"extends: default\n{GAMBLING}stance: prohibited\n"),
    ("values that repeat what holds without them", f"extends: default\n{GAMBLING}licence: none\n    audit_share: 0.01\n"),
    ("a number written otherwise", f"extends: default\n{GAMBLING}targets: {{max_leakage: 2e-2}}\n"),
    ("a surface that changes nothing", "extends: default\nsurfaces:\n  feed:\n    gambling: {stance: prohibited}\n"),
]
OTHER = [
    ("a stance", f"extends: default\n{GAMBLING}stance: allowed\n"),
    ("a target", f"extends: default\n{GAMBLING}targets: {{max_leakage: 0.021}}\n"),
    ("a word of the reason", f"extends: default\n{GAMBLING}reason: Gambling may not be advertised there.\n"),
    ("a surface", "extends: default\nsurfaces:\n  feed:\n    gambling: {stance: allowed}\n"),
    ("an audit share", f"extends: default\n{GAMBLING}audit_share: 0.02\n"),
    ("what uncertified thresholds may do", f"extends: default\n{GAMBLING}when_uncertified: review\n"),
]


@pytest.mark.parametrize(
    ("content", "same"), [(c, True) for _, c in SAME] + [(c, False) for _, c in OTHER], ids=[name for name, _ in SAME + OTHER]
)
def test_the_hash_is_of_what_is_decided_not_of_how_it_is_written(tmp_path: Path, content: str, same: bool) -> None:
    plain = read_policies(write_folder(tmp_path)).hash
    assert (read_policies(write_folder(tmp_path, SE=content)).hash == plain) is same


def test_one_more_market_changes_the_hash(tmp_path: Path) -> None:
    assert read_policies(write_folder(tmp_path)).hash != read_policies(write_folder(tmp_path, GB="extends: default\n")).hash


def test_the_order_of_policies_in_the_file_does_not_change_the_hash(tmp_path: Path) -> None:
    head, deceptive, rest = DEFAULT_YAML.partition("  deceptive:\n")
    body, gambling_, tail = rest.partition("  gambling:\n")
    turned = head + gambling_ + tail + deceptive + body
    assert read_policies(write_folder(tmp_path, default=turned)).hash == read_policies(write_folder(tmp_path, default=DEFAULT_YAML)).hash


POLICIES = {"deceptive", "gambling", "kids_unsuitable", "political_issue", "counterfeit", "weapons", "adult", "phishing"}


class TestTheFilesThatShip:
    book = read_policies(policies.folder())

    def test_eight_policies_in_eight_markets(self) -> None:
        assert set(self.book.names) == POLICIES
        assert self.book.markets == ("BR", "DE", "EG", "GB", "IN", "JP", "SE", "US")

    @pytest.mark.parametrize("market", book.markets)
    def test_children_s_videos_are_held_to_at_least_the_market_s_standard(self, market: str) -> None:
        strictness = [Stance.ALLOWED, Stance.RESTRICTED, Stance.PROHIBITED]
        kids = {policy.name: policy for policy in self.book.in_force(market, "kids_video")}
        assert set(kids) == POLICIES
        for policy in self.book.in_force(market, None):
            there = kids[policy.name]
            assert strictness.index(there.stance) >= strictness.index(policy.stance)
            assert there.targets.max_leakage <= policy.targets.max_leakage
            assert list(Severity).index(there.severity) <= list(Severity).index(policy.severity)

    def test_markets_differ(self) -> None:
        assert len({str(self.book.rules[market]) for market in self.book.markets}) == len(self.book.markets)

    @pytest.mark.parametrize(("market", "licence"), [("SE", "required"), ("GB", "required"), ("US", "required"), ("DE", "required")])
    def test_gambling_asks_for_a_licence_where_it_is_shown_to_holders(self, market: str, licence: str) -> None:
        assert [gambling(self.book, market, surface).licence for surface in (None, "search", "kids_video")] == [licence, licence, "none"]

    def test_every_policy_is_audited(self) -> None:
        assert {policy.audit_share for _, _, policy in self.book.every()} == {0.01}

    def test_every_file_says_that_it_is_an_example(self) -> None:
        for path in policies.folder().glob("*.yaml"):
            assert "not legal advice" in path.read_text(encoding="utf-8"), path.name
