"""Thresholds written into a policy file come to what was asked for, and change nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict import policies
from adverdict.decisions.files.edit import write_thresholds
from adverdict.decisions.files.read import read_policies, read_texts
from adverdict.decisions.policy import PolicyBook, Thresholds
from adverdict.domain.errors import NotFound

ASKED = Thresholds(0.03, 0.7)


def read(texts: dict[str, str], folder: Path) -> PolicyBook:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return read_policies(folder)


def rules(book: PolicyBook) -> dict[tuple[str, str | None, str], object]:
    return {(market, surface, policy.name): policy for market, surface, policy in book.every()}


@pytest.mark.parametrize(
    ("market", "surface", "policy"),
    [
        ("DE", None, "gambling"),
        ("DE", None, "phishing"),
        ("GB", "search", "gambling"),
        ("GB", "kids_video", "adult"),
        ("SE", "search", "adult"),
        ("JP", "feed", "political_issue"),
        ("IN", None, "deceptive"),
    ],
)
def test_only_the_policy_asked_for_decides_by_them_then(market: str, surface: str | None, policy: str, tmp_path: Path) -> None:
    texts = read_texts(policies.folder())
    made = write_thresholds(texts, market, surface, policy, ASKED)
    before, after = rules(read_policies(policies.folder())), rules(read({**texts, made.file: made.text}, tmp_path / "a"))
    changed = {place for place in after if after[place] != before[place]}
    assert (market, surface, policy) in changed
    assert {(one, name) for one, _, name in changed} == {(market, policy)}
    assert after[market, surface, policy].thresholds == ASKED  # type: ignore[attr-defined]
    lines = made.text.splitlines()
    assert tuple(lines[made.line - 1 : made.line - 1 + len(made.lines)]) == made.lines
    assert [line for line in texts[made.file].splitlines() if line not in (*lines, *made.replaced)] == []


@pytest.mark.parametrize(
    ("text", "line", "added"),
    [
        ("extends: default\n", 2, ("policies:", "  a:", "    thresholds: {approve_below: 0.03, reject_at: 0.7}")),
        ("policies:\n  a:\n    stance: prohibited\n", 3, ("    thresholds: {approve_below: 0.03, reject_at: 0.7}",)),
        (
            "policies: {a: {stance: prohibited}}\n",
            1,
            ("policies: {a: {thresholds: {approve_below: 0.03, reject_at: 0.7}, stance: prohibited}}",),
        ),
        (
            "policies:\n  a:\n    thresholds: auto  # by the model\n",
            3,
            ("    thresholds: {approve_below: 0.03, reject_at: 0.7}  # by the model",),
        ),
        (
            "policies:\n  a:\n    thresholds:\n      approve_below: 0.1\n      reject_at: 0.9\n    # why\n    stance: prohibited",
            3,
            ("    thresholds: {approve_below: 0.03, reject_at: 0.7}",),
        ),
        ("policies:\n  b:\n    stance: allowed\n", 2, ("  a:", "    thresholds: {approve_below: 0.03, reject_at: 0.7}")),
    ],
)
def test_what_stands_in_the_file_stays_as_people_wrote_it(text: str, line: int, added: tuple[str, ...]) -> None:
    made = write_thresholds({"SE.yaml": text}, "SE", None, "a", ASKED)
    assert (made.line, made.lines) == (line, added)
    kept = [one for one in text.splitlines() if one not in made.replaced]
    assert [one for one in made.text.splitlines() if one in kept] == kept
    again = write_thresholds({"SE.yaml": made.text}, "SE", None, "a", ASKED)
    assert again.text == made.text


def test_a_market_without_a_file_is_refused() -> None:
    with pytest.raises(NotFound):
        write_thresholds({}, "SE", None, "a", ASKED)
