"""A change of policy files in words: all of it, each change once, and nothing that changes nothing."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from adverdict.decisions.files.difference import difference
from adverdict.decisions.files.read import PolicyFolder
from adverdict.decisions.files.scope import At, scope
from adverdict.decisions.files.show import table
from tests.decisions.folders import DEFAULT, MARKETS, folder_of
from tests.effort import examples

EVERYWHERE: list[At] = [(market, surface) for market in ("BR", "DE", "GB", "SE") for surface in (None, "kids_video")] + [("GB", "search")]
NEW_POLICY = """\
  alcohol:
    title: Alcohol
    severity: serious
    stance: restricted
    targets: {max_leakage: 0.05, max_wrongful_reject: 0.1, confidence: 0.95}
    reason: Alcohol needs a licence.
"""


@pytest.mark.parametrize(
    ("files", "sentences"),
    [
        (
            {"default": DEFAULT.replace("max_leakage: 0.02", "max_leakage: 0.01")},
            ["gambling, everywhere but BR: max_leakage 0.02 -> 0.01 (default.yaml:6 -> default.yaml:6)"],
        ),
        (
            {"default": DEFAULT.replace("    gambling: {severity: severe}", "    gambling: {severity: zero_tolerance}")},
            [
                "gambling, on kids_video: severity severe -> zero_tolerance (default.yaml:18 -> default.yaml:18)",
                "gambling, on kids_video: max_risk 0.1 -> 0.05 (built-in default -> built-in default)",
            ],
        ),
        (
            {"default": DEFAULT.replace("serious", "quality")},
            [
                "gambling, everywhere but on kids_video: severity serious -> quality (default.yaml:4 -> default.yaml:4)",
                "gambling, everywhere but on kids_video: max_risk 0.25 -> 0.5 (built-in default -> built-in default)",
            ],
        ),
        (
            {"BR": MARKETS["BR"].replace("{", "{max_risk: 0.2, min_risk_rejected: 0.8, max_missed: 0.3, ")},
            [
                "gambling, in BR but on kids_video: max_risk 0.25 -> 0.2 (built-in default -> BR.yaml:4)",
                "gambling, in BR on kids_video: max_risk 0.1 -> 0.2 (built-in default -> BR.yaml:4)",
                "gambling, in BR: max_missed not limited -> 0.3 (built-in default -> BR.yaml:4)",
                "gambling, in BR: min_risk_rejected 0.5 -> 0.8 (built-in default -> BR.yaml:4)",
            ],
        ),
        (
            {"BR": MARKETS["BR"].replace("{", "{min_risk_rejected: 0.5, ")},
            [],
        ),
        (
            {"DE": "extends: SE\n"},
            [
                "gambling, in DE: stance prohibited -> restricted (default.yaml:5 -> SE.yaml:4)",
                "gambling, in DE: reason Gambling may not be advertised here. -> Only with a licence. (default.yaml:7 -> SE.yaml:5)",
            ],
        ),
        (
            {"BR": MARKETS["BR"] + "    thresholds: {approve_below: 0.1, reject_at: 0.9}\n"},
            ["gambling, in BR: thresholds auto -> approve below 0.1, reject from 0.9 (built-in default -> BR.yaml:5)"],
        ),
        (
            {"default": DEFAULT.replace("[kids_video]", "[toys, kids_video]")},
            [
                "surface added: toys (everywhere)",
                "kids_unsuitable, everywhere: surfaces [kids_video] -> [kids_video, toys] (default.yaml:12 -> default.yaml:12)",
            ],
        ),
        (
            {"GB": "extends: default\n"},
            [
                "surface removed: search (in GB)",
                "gambling, in GB on search: stance restricted -> prohibited (GB.yaml:5 -> default.yaml:5)",
            ],
        ),
        (
            {"default": DEFAULT.replace("surfaces:\n  kids", f"{NEW_POLICY}surfaces:\n  kids"), "FI": MARKETS["DE"]},
            ["policy added: alcohol (default.yaml:16)", "market added: FI (FI.yaml)"],
        ),
        (
            {"DE": MARKETS["DE"] + "surfaces:\n  feed:\n    gambling: {severity: serious}\n", "SE": MARKETS["SE"].replace("Only", "Just")},
            ["gambling, in SE: reason Only with a licence. -> Just with a licence. (SE.yaml:5 -> SE.yaml:5)"],
        ),
        ({"SE": ""}, ["market removed: SE (SE.yaml)"]),
        ({"default": "# why\n" + DEFAULT, "SE": "\n# licensed\n" + MARKETS["SE"]}, []),
        ({"DE": MARKETS["DE"] + "policies:\n  gambling: {severity: serious, when_degraded: review}\n"}, []),
        ({"DE": MARKETS["DE"] + "surfaces:\n  feed:\n    gambling: {severity: serious}\n"}, []),
    ],
)
def test_a_change_is_said_once_and_what_decides_the_same_not_at_all(files: dict[str, str], sentences: list[str], tmp_path: Path) -> None:
    before, after = folder_of(tmp_path / "before"), folder_of(tmp_path / "after", **files)
    found = difference(before, after)
    assert found.sentences() == sentences
    assert found.nothing == (not sentences)


@pytest.mark.parametrize(
    ("outside", "words"),
    [
        ([], "everywhere"),
        ([("BR", None), ("BR", "kids_video")], "everywhere but BR"),
        ([("BR", "kids_video")], "everywhere but BR on kids_video"),
        ([(market, "kids_video") for market in ("BR", "DE", "GB", "SE")], "everywhere but on kids_video"),
        ([at for at in EVERYWHERE if at[0] != "SE"], "in SE"),
        ([at for at in EVERYWHERE if at != ("GB", "search")], "in GB on search"),
        ([at for at in EVERYWHERE if at[1] != "kids_video"], "on kids_video"),
        ([at for at in EVERYWHERE if at[0] != "SE" and at[1] != "kids_video"], "on kids_video and SE"),
        ([at for at in EVERYWHERE if at != ("SE", None)], "in SE but on kids_video"),
        ([at for at in EVERYWHERE if at[0] not in ("DE", "SE")], "in DE and SE"),
    ],
)
def test_a_scope_is_named_in_fewer_words(outside: list[At], words: str) -> None:
    assert scope([at for at in EVERYWHERE if at not in outside], EVERYWHERE) == words


def test_a_market_is_named_whole_where_all_of_it_is_one_surface() -> None:
    beside_children: list[At] = [("DE", "kids_video"), ("GB", "kids_video"), ("SE", "kids_video")]
    assert scope(beside_children[:1], beside_children) == "in DE"
    assert scope(beside_children[:2], beside_children) == "everywhere but SE"


STANCES = st.sampled_from(["prohibited", "restricted", "allowed"])
LINES = st.lists(
    st.one_of(
        STANCES.map(lambda stance: f"stance: {stance}"),
        st.tuples(
            st.sampled_from(["max_leakage", "max_risk", "max_missed", "min_risk_rejected"]), st.sampled_from(["0.02", "0.25", "0.5"])
        ).map(lambda target: f"targets: {{{target[0]}: {target[1]}}}"),
        st.sampled_from(["auto", "{approve_below: 0.1, reject_at: 0.9}"]).map(lambda thresholds: f"thresholds: {thresholds}"),
        st.sampled_from(["hold", "review"]).map(lambda degraded: f"when_degraded: {degraded}"),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda line: line.split(":")[0],
)
SECTION = LINES.map(lambda lines: "gambling: {" + ", ".join(lines) + "}")
MARKET = st.tuples(st.none() | SECTION, st.none() | SECTION, st.sampled_from(["feed", "kids_video"])).map(
    lambda parts: (
        "extends: default\n"
        + (f"policies:\n  {parts[0]}\n" if parts[0] else "")
        + (f"surfaces:\n  {parts[2]}:\n    {parts[1]}\n" if parts[1] else "")
    )
)
FILES = st.fixed_dictionaries({"SE": MARKET, "DE": MARKET, "default": st.sampled_from([DEFAULT, DEFAULT.replace("[kids_video]", "all")])})


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, FILES)
def test_a_difference_tells_all_that_differs_and_nothing_else(tmp_path: Path, one: dict[str, str], other: dict[str, str]) -> None:
    before, after = (folder_of(tmp_path / str(next(NUMBERS)), **files) for files in (one, other))
    found = difference(before, after)
    assert found.nothing == (before.book.hash == after.book.hash)
    told = {(*at, change.policy, change.key) for change in found.changes for at in change.places}
    for market in before.book.markets:
        for surface in {None, *before.settled[market].by_surface, *after.settled[market].by_surface}:
            for policy, key in _changed(before, after, market, surface):
                assert (market, surface, policy, key) in told
    for change in found.changes:
        assert len(set(change.places)) == len(change.places)
        assert change.before.value != change.after.value
        for market, surface in change.places:
            for folder, value in ((before, change.before), (after, change.after)):
                here = table(folder, market, surface).get(change.policy, ())
                assert not here or next(one.value for one in here if one.key == change.key) == value.value


NUMBERS = count()


def _changed(before: PolicyFolder, after: PolicyFolder, market: str, surface: str | None) -> list[tuple[str, str]]:
    old, new = table(before, market, surface), table(after, market, surface)
    return [
        (policy, was.key)
        for policy in old.keys() & new.keys()
        for was, is_ in zip(old[policy], new[policy], strict=True)
        if was.value != is_.value
    ]
