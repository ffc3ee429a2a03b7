"""Strangers' text on a terminal: seen as it is, and never obeyed."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.cli import ads
from adverdict.cli.console import errors_end_the_command, printable
from adverdict.cli.ledger import replay
from adverdict.domain.decision import Reason
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.formats import counted
from adverdict.scoring.replay import Difference, Replayed
from tests.ledger.made import a_decision, an_ad

EVIL = "\x1b[2J\x1b[31m\u202eevorppa\x9b"
SHOWN = r"\x1b[2J\x1b[31m\u202eevorppa\x9b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (EVIL, SHOWN),
        ("two\nlines\tand \r", r"two\nlines\tand \r"),
        ("\u2028 \u2066 \ufeff \U000e0041", r"\u2028 \u2066 \ufeff \U000e0041"),
        ("Öppet idag – 20 % rabatt 👩\u200d👩, می\u200cخواهم", "Öppet idag – 20 % rabatt 👩\u200d👩, می\u200cخواهم"),
        ("[bold]no markup[/]", "[bold]no markup[/]"),
    ],
)
def test_what_could_steer_a_terminal_is_shown_instead(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_nothing_that_steers_is_left_and_what_remains_can_be_written(text: str) -> None:
    shown = printable(text)
    assert {unicodedata.category(char) for char in shown if char not in "\u200c\u200d"} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()
    shown.encode("utf-8")


def test_a_decision_obeys_nothing_an_ad_says(capsys: pytest.CaptureFixture[str]) -> None:
    decision = a_decision(an_ad(1, ad_id=f"a\nREJECT [red]{EVIL}"))
    ruling = decision.policies[0].model_copy(update={"because": f"risk {EVIL}"})
    reason = Reason(policy="deceptive", kind="phrase", signal="x", text=f"the text says {EVIL}", effect=1.0)
    ads.show(decision.model_copy(update={"policies": (ruling,), "reasons": (reason,), "degraded": (f"no_risk:{EVIL}",)}))
    said = capsys.readouterr().out
    assert said.count(SHOWN) == 4
    assert rf"a\nREJECT [red]{SHOWN} in SE" in said
    assert [char for char in said if unicodedata.category(char) in ("Cc", "Cf") and char != "\n"] == []


def test_a_replay_obeys_nothing_and_counts_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    different = Difference(seq=1, decision_id="dec-1", field=f"reasons[0].{EVIL}", recorded=EVIL, replayed=None)
    replay.show(Replayed(same=1, after_erasure=1, differences=[different], skipped=Counter({f"no bundle {EVIL}": 1})))
    told = capsys.readouterr()
    assert SHOWN in told.out
    assert "1 decision came out the same" in told.out
    assert "1 of them was made with" in told.err
    assert f"1 could not be replayed: no bundle {SHOWN}" in told.err
    assert "\x1b" not in told.out + told.err


def test_an_error_obeys_nothing_and_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), errors_end_the_command():
        raise InvalidInput("not right:", [Mistake(f"field {EVIL}", 1, "less")])
    assert f"not right:\n  - field {SHOWN} = 1; expected less" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "said"), [(0, "0 entries"), (1, "1 entry"), (1234, "1,234 entries")])
def test_one_is_counted_as_one(number: int, said: str) -> None:
    assert counted(number, "entry", "entries") == said
