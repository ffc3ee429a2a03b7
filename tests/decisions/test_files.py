"""Policy files: what is refused, and that all of it is said at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from adverdict.decisions.files.read import MAX_BYTES, read_policies
from adverdict.domain.errors import InvalidPolicy, NotFound
from tests.decisions.build import DEFAULT_YAML, write_folder
from tests.effort import examples
from tests.golden import Golden


def refusal(folder: Path) -> str:
    with pytest.raises(InvalidPolicy) as refused:
        read_policies(folder)
    return str(refused.value)


def market(body: str) -> str:
    return f"extends: default\n{body}"


GAMBLING = "policies:\n  gambling:\n    "
BAD_MARKETS = [
    (
        "unknown key of a policy",
        market(f"{GAMBLING}stanse: allowed\n"),
        "SE.yaml:4: key of policies.gambling = 'stanse'; ",
        "did you mean stance?",
    ),
    ("unknown key of the file", market("polices: {}\n"), "SE.yaml:2: key of SE = 'polices'; ", "did you mean policies?"),
    ("unknown target", market(f"{GAMBLING}targets: {{max_leekage: 0.1}}\n"), "SE.yaml:4: key of policies.gambling.targets", "max_leakage?"),
    (
        "unknown policy",
        market("policies:\n  gamblin:\n    stance: allowed\n"),
        "SE.yaml:3: key of policies = 'gamblin'",
        "did you mean gambling?",
    ),
    (
        "unknown policy of a surface",
        market("surfaces:\n  feed:\n    gamblin: {stance: allowed}\n"),
        "SE.yaml:4: key of surfaces.feed",
        "gambling?",
    ),
    ("severity typo", market(f"{GAMBLING}severity: sever\n"), "SE.yaml:4: policies.gambling.severity = 'sever'", "did you mean severe?"),
    ("stance typo", market(f"{GAMBLING}stance: Prohibited\n"), "SE.yaml:4: policies.gambling.stance", "did you mean prohibited?"),
    ("stance missing", market(f"{GAMBLING}stance:\n"), "SE.yaml:4: policies.gambling.stance = None", "one of prohibited"),
    ("when_degraded typo", market(f"{GAMBLING}when_degraded: reveiw\n"), "SE.yaml:4", "did you mean review?"),
    ("approve unless quality", market(f"{GAMBLING}when_degraded: approve\n"), "SE.yaml:4", "the severity is serious (default.yaml:10)"),
    (
        "when_uncertified typo",
        market(f"{GAMBLING}when_uncertified: reviews\n"),
        "SE.yaml:4",
        "one of decide, review (did you mean review?)",
    ),
    ("licence a truth value", market(f"{GAMBLING}licence: yes\n"), "SE.yaml:4: policies.gambling.licence = 'yes'", "one of required, none"),
    (
        "a licence for what is prohibited",
        market(f"{GAMBLING}licence: required\n"),
        "SE.yaml:4: policies.gambling.licence = 'required'",
        "none where the stance is prohibited (default.yaml:11); only restricted may ask for a licence",
    ),
    (
        "a licence for what is allowed",
        market(f"{GAMBLING}stance: allowed\n    licence: required\n"),
        "SE.yaml:5: policies.gambling.licence = 'required'",
        "none where the stance is allowed (SE.yaml:4)",
    ),
    (
        "a licence inherited by a surface where such ads are prohibited",
        market(
            f"{GAMBLING}stance: restricted\n    licence: required\nsurfaces:\n  feed:\n    gambling: {{audit_share: 1}}\n"
            "  kids_video:\n    gambling: {stance: prohibited}\n"
        ),
        "SE.yaml:5: policies.gambling.licence = 'required'",
        "none where the stance is prohibited (SE.yaml:10)",
    ),
    (
        "a licence under a stance that is a mistake itself",
        market(f"{GAMBLING}stance: restrictd\n    licence: required\n"),
        "SE.yaml:4: policies.gambling.stance = 'restrictd'",
        "did you mean restricted?",
    ),
    ("audit share in percent", market(f"{GAMBLING}audit_share: 1%\n"), "policies.gambling.audit_share = '1%'", "a number from 0 to 1"),
    ("audit share above 1", market(f"{GAMBLING}audit_share: 1.01\n"), "policies.gambling.audit_share = '1.01'", "a number from 0 to 1"),
    ("audit share missing", market(f"{GAMBLING}audit_share:\n"), "policies.gambling.audit_share = None", "a number from 0 to 1"),
    ("leakage above 1", market(f"{GAMBLING}targets: {{max_leakage: 5}}\n"), "targets.max_leakage = '5'", "a number from 0 to 1"),
    ("leakage NaN", market(f"{GAMBLING}targets: {{max_leakage: .nan}}\n"), "targets.max_leakage = '.nan'", "a number from 0 to 1"),
    ("leakage nan", market(f"{GAMBLING}targets: {{max_leakage: nan}}\n"), "targets.max_leakage = 'nan'", "a number from 0 to 1"),
    ("leakage in percent", market(f"{GAMBLING}targets: {{max_leakage: 5%}}\n"), "targets.max_leakage = '5%'", "a number from 0 to 1"),
    ("leakage quoted", market(f"{GAMBLING}targets: {{max_leakage: '0.1'}}\n"), "targets.max_leakage = '0.1'", "a number from 0 to 1"),
    ("leakage negative", market(f"{GAMBLING}targets: {{max_leakage: -0.1}}\n"), "targets.max_leakage = '-0.1'", "a number from 0 to 1"),
    (
        "max_risk in percent",
        market(f"{GAMBLING}targets: {{max_risk: 25%}}\n"),
        "SE.yaml:4: policies.gambling.targets.max_risk = '25%'",
        "0 to 1",
    ),
    (
        "max_missed above 1",
        market(f"{GAMBLING}targets: {{max_missed: 2}}\n"),
        "SE.yaml:4: policies.gambling.targets.max_missed = '2'",
        "0 to 1",
    ),
    (
        "min_risk_rejected negative",
        market(f"{GAMBLING}targets: {{min_risk_rejected: -0.5}}\n"),
        "SE.yaml:4: policies.gambling.targets.min_risk_rejected = '-0.5'",
        "a number from 0 to 1",
    ),
    (
        "max_risk misspelt",
        market(f"{GAMBLING}targets: {{max_risc: 0.1}}\n"),
        "SE.yaml:4: key of policies.gambling.targets = 'max_risc'",
        "did you mean max_risk?",
    ),
    (
        "max_risk beside the targets",
        market(f"{GAMBLING}max_risk: 0.1\n"),
        "SE.yaml:4: key of policies.gambling = 'max_risk'",
        "one level deeper, under targets",
    ),
    ("confidence 1", market(f"{GAMBLING}targets: {{confidence: 1}}\n"), "targets.confidence = '1'", "above 0 and below 1"),
    (
        "targets not a mapping",
        market(f"{GAMBLING}targets: 0.1\n"),
        "SE.yaml:4: policies.gambling.targets = '0.1'",
        "a mapping with keys of max_risk, max_leakage",
    ),
    (
        "thresholds crossed",
        market(f"{GAMBLING}thresholds: {{approve_below: 0.9, reject_at: 0.1}}\n"),
        "SE.yaml:4",
        "approve_below at most reject_at",
    ),
    ("thresholds halved", market(f"{GAMBLING}thresholds: {{approve_below: 0.9}}\n"), "SE.yaml:4", "auto, or both"),
    ("threshold outside", market(f"{GAMBLING}thresholds: {{approve_below: 0.9, reject_at: 1.5}}\n"), "SE.yaml:4", "a number from 0 to 1"),
    ("threshold infinite", market(f"{GAMBLING}thresholds: {{approve_below: 0.9, reject_at: .inf}}\n"), "SE.yaml:4", "a number from 0 to 1"),
    ("thresholds typo", market(f"{GAMBLING}thresholds: atuo\n"), "thresholds = 'atuo'", "auto, or both"),
    ("reason empty", market(f"{GAMBLING}reason: ''\n"), "SE.yaml:4: policies.gambling.reason = ''", "a sentence"),
    ("reason a list", market(f"{GAMBLING}reason: [a]\n"), "SE.yaml:4: policies.gambling.reason = ['a']", "a sentence"),
    ("title a number", market(f"{GAMBLING}title: 12\n"), "SE.yaml:4: policies.gambling.title = '12'", "a sentence"),
    ("surfaces empty", market(f"{GAMBLING}surfaces: []\n"), "SE.yaml:4: policies.gambling.surfaces = []", "a list of surfaces"),
    ("surfaces misspelt", market(f"{GAMBLING}surfaces: [Kids Video]\n"), "SE.yaml:4", "lower-case"),
    (
        "surfaces under a surface",
        market("surfaces:\n  feed:\n    gambling: {surfaces: [feed]}\n"),
        "SE.yaml:4: key of surfaces.feed.gambling",
        "one of title",
    ),
    ("surface name", market("surfaces:\n  Feed: {}\n"), "SE.yaml:3: key of surfaces = 'Feed'", "lower-case"),
    (
        "policy not on that surface",
        market("surfaces:\n  feed:\n    kids_unsuitable: {stance: allowed}\n"),
        "SE.yaml:4",
        "in force: kids_video",
    ),
    ("policies a list", market("policies: [gambling]\n"), "SE.yaml:2: policies = ['gambling']", "a mapping of names"),
    (
        "policy not a mapping",
        market("policies:\n  gambling: allowed\n"),
        "SE.yaml:3: policies.gambling = 'allowed'",
        "a mapping with keys of title",
    ),
    ("extends missing", "policies: {}\n", "SE.yaml:1: extends = None", "one of SE, default"),
    ("extends a missing file", "extends: NO\n", "SE.yaml:1: extends = 'NO'", "one of SE, default"),
    ("extends a file name", "extends: default.yaml\n", "SE.yaml:1: extends = 'default.yaml'", "did you mean default?"),
    ("extends itself", "extends: SE\n", "SE.yaml:1: extends = 'SE'", "not a circle (SE -> SE)"),
    (
        "a key twice",
        market(f"{GAMBLING}stance: allowed\n    stance: prohibited\n"),
        "SE.yaml:5: key = 'stance'",
        "each key once (first at SE.yaml:4)",
    ),
    ("not YAML", market("policies: [\n"), "SE.yaml:3: file = ", "valid YAML"),
    ("a tab", market("policies:\n\tgambling: {}\n"), "SE.yaml:3: file = ", "valid YAML"),
    ("a control character", market("policies: \x00\n"), "SE.yaml:2: file = '\\x00'", "printable characters"),
    (
        "a tag that would run code",
        "!!python/object/apply:os.system ['true']\n",
        "SE.yaml:1: file = 'tag:yaml.org,2002:python/object",
        "without tags",
    ),
    ("an anchor", market("policies: &p {}\n"), "SE.yaml:2: file = '&p'", "without anchors"),
    ("an alias", market("policies: *p\n"), "SE.yaml:2: file = '*p'", "without anchors"),
    ("two documents", market("---\nextends: default\n"), "SE.yaml:2: file = '---'", "one YAML document"),
    ("endless nesting", "[" * 500_000, "SE.yaml:1: file = '9 levels'", "at most 8 levels"),
    ("a merge key", market(f"{GAMBLING}<<: {{stance: allowed}}\n"), "SE.yaml:4: key of policies.gambling = '<<'", "one of title"),
    ("a key that is no word", market("? [a, b]\n: 1\n"), "SE.yaml:2: key = ['a', 'b']", "a word as key"),
    ("empty", "", "SE.yaml:1: file = ''", "a mapping"),
    ("only comments", "# nothing\n", "SE.yaml:1: file = ", "a mapping"),
    ("a list", "- extends: default\n", "SE.yaml:1: SE = [{'extends': 'default'}]", "a mapping with keys of extends"),
    ("not UTF-8", b"extends: default\n# caf\xe9\n", "SE.yaml:2: file = b'\\xe9'", "text in UTF-8"),
    ("too large", b"#" * (MAX_BYTES + 1), "SE.yaml: file = 'more than 1,000,000 bytes'", "at most 1,000,000 bytes"),
]


@pytest.mark.parametrize(("_case", "content", "where", "expected"), BAD_MARKETS, ids=[case[0] for case in BAD_MARKETS])
def test_a_bad_market_file_is_refused_with_line_value_and_expectation(
    tmp_path: Path, _case: str, content: str | bytes, where: str, expected: str
) -> None:
    message = refusal(write_folder(tmp_path, SE=content))
    assert where in message
    assert expected in message
    assert message.startswith("1 mistake in the policy files of ")


@pytest.mark.parametrize("key", ["title", "severity", "stance", "max_leakage", "max_wrongful_reject", "confidence", "reason"])
def test_the_default_file_must_say_everything_of_every_policy(tmp_path: Path, key: str) -> None:
    first, others = DEFAULT_YAML.split("  gambling:\n")
    without = re.sub(rf"    {key}: .*\n|{key}: [\d.]+(, |(?=}}))", "", first)
    assert without != first
    message = refusal(write_folder(tmp_path, default=f"{without}  gambling:\n{others}"))
    assert re.search(rf"default.yaml:2: policies.deceptive.(targets.)?{key} = None; expected .* \(required\)", message)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("se", "did you mean SE.yaml?"),
        ("ZZ", "ISO 3166-1"),
        ("EU", "ISO 3166-1"),
        ("Default", "did you mean default.yaml?"),
        ("sweden", "ISO 3166-1"),
    ],
)
def test_a_file_must_be_named_after_a_country(tmp_path: Path, name: str, said: str) -> None:
    assert said in refusal(write_folder(tmp_path, **{name: "extends: default\n"}))


def test_yml_is_refused_rather_than_overlooked(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "GB.yml").write_text("extends: default\n")
    assert "did you mean GB.yaml?" in refusal(tmp_path)


def test_other_files_of_the_folder_are_left_alone(tmp_path: Path) -> None:
    write_folder(tmp_path)
    for name in ("README.md", "__init__.py", ".SE.yaml.swp", ".hidden.yaml"):
        (tmp_path / name).write_text("not YAML: [")
    assert read_policies(tmp_path).markets == ("SE",)


def test_without_a_default_or_without_markets_there_is_no_book(tmp_path: Path) -> None:
    (tmp_path / "SE.yaml").write_text("extends: default\n")
    assert "default.yaml, which defines every policy" in refusal(tmp_path)
    (tmp_path / "SE.yaml").unlink()
    (tmp_path / "default.yaml").write_text(DEFAULT_YAML)
    assert "at least one market's file" in refusal(tmp_path)
    (tmp_path / "default.yaml").write_text("policies: {}\n")
    assert "at least one policy" in refusal(tmp_path)


def test_a_missing_folder_and_an_unreadable_file_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder of policy files"):
        read_policies(tmp_path / "nowhere")
    write_folder(tmp_path)
    (tmp_path / "GB.yaml").mkdir()
    assert "GB.yaml: file = 'Is a directory'" in refusal(tmp_path)


def test_a_circle_of_markets_is_refused_and_shown(tmp_path: Path) -> None:
    message = refusal(write_folder(tmp_path, SE="extends: DE\n", DE="extends: GB\n", GB="extends: SE\n", FR="extends: SE\n"))
    assert "not a circle (SE -> DE -> GB -> SE)" in message
    assert "FR.yaml" not in message, "FR is not at fault"


def test_every_mistake_of_every_file_is_shown_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    monkeypatch.chdir(tmp_path)
    default = DEFAULT_YAML.replace("severity: severe\n", "severity: severest\n", 1).replace("    reason: Not for children.\n", "")
    swedish = "extends: defualt\npolicies:\n  gamblin:\n    stanse: allowed\n    targets: {max_leakage: 2 %, confidence: 95}\n"
    indian = f"extends: default\n{GAMBLING}thresholds: {{approve_below: 0.9, reject_at: 0.1}}\n    stance: allowed\n    stance: no\n"
    british = "extends: default\npolicies:\n  gambling: {licence: required, audit_share: 1 %}\n"
    british += "surfaces:\n  feed:\n    deceptive: {reason: }\n    phishing: {}\n    kids_unsuitable: {when_degraded: approve}\n"
    write_folder(Path("policies"), default=default, SE=swedish, IN=indian, GB=british, BR="extends: *base\n", XX=b"\xff")
    golden.check("mistakes.txt", refusal(Path("policies")))


WORDS = ["extends", "default", "policies", "gambling", "surfaces", "kids_video", "feed", "targets", "stance", "thresholds", "allowed"]
PUNCTUATION = [
    ": ",
    ":\n",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "&a ",
    "*a ",
    "!!int ",
    "#",
    "|\n",
    "? ",
    "0.5",
    ".nan",
    "\t",
]


@given(
    content=st.binary(max_size=60) | st.lists(st.sampled_from(WORDS + PUNCTUATION), max_size=40).map(lambda parts: "".join(parts).encode())
)
@examples(300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_folder(tmp_path, SE=content)
    try:
        book = read_policies(folder)
    except InvalidPolicy as error:
        mistakes = error.mistakes
    else:
        mistakes = ()
        assert book.markets == ("SE",)
    assert all(mistake.where for mistake in mistakes)
