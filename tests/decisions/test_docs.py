"""docs/policies.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adverdict.decisions.files.fields import KEYS, STRIKE_READERS, TARGET_READERS
from adverdict.decisions.files.read import TOP_KEYS, read_policies
from adverdict.decisions.policy import (
    DEFAULT_AUDIT_SHARE,
    DEFAULT_UNFAMILIAR_SHARE,
    Licence,
    Severity,
    Stance,
    WhenDegraded,
    WhenUncertified,
    WhenUnfamiliar,
)
from adverdict.decisions.strikes import StrikesCounted, StrikesThen
from adverdict.domain.errors import InvalidPolicy

FILES = r"```yaml\n# (\w+\.yaml)\n(.*?)```"
TEXT = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")


STRIKES = [*STRIKE_READERS, *StrikesThen, *StrikesCounted]
CHOICES = [*STRIKES, *Severity, *Stance, *Licence, *WhenDegraded, *WhenUncertified, *WhenUnfamiliar]


@pytest.mark.parametrize("key", [*TOP_KEYS, *KEYS, *TARGET_READERS, "approve_below", "reject_at", *CHOICES])
def test_every_key_and_choice_is_documented(key: str) -> None:
    assert f"`{key}`" in TEXT


def test_the_audit_share_in_force_without_a_word_is_documented() -> None:
    assert f"| `audit_share` | 0 to 1 ({DEFAULT_AUDIT_SHARE:g} is the default) |" in TEXT


def test_the_share_of_unfamiliar_ads_in_force_without_a_word_is_documented() -> None:
    assert f"| `unfamiliar_share` | 0 to 1 ({DEFAULT_UNFAMILIAR_SHARE:g} is the default) |" in TEXT


def test_the_example_in_the_document_is_a_folder_of_policies(tmp_path: Path) -> None:
    files = re.findall(FILES, TEXT, flags=re.DOTALL)
    assert [name for name, _ in files] == ["default.yaml", "SE.yaml"]
    for name, content in files:
        (tmp_path / name).write_text(content, encoding="utf-8")
    book = read_policies(tmp_path)
    gambling = {surface: policy for _, surface, policy in book.every() if policy.name == "gambling"}
    assert {surface: policy.stance.value for surface, policy in gambling.items()} == {None: "restricted", "kids_video": "prohibited"}
    assert gambling[None].targets.max_leakage == 0.01
    assert gambling[None].targets.confidence == 0.95


def test_the_message_in_the_document_is_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policies").mkdir()
    Path("policies/default.yaml").write_text(dict(re.findall(FILES, TEXT, flags=re.DOTALL))["default.yaml"], encoding="utf-8")
    mistaken = "extends: defualt\npolicies:\n  gamblin:\n    stanse: allowed\n    targets: {max_leakage: 2 %}\n"
    Path("policies/SE.yaml").write_text(mistaken, encoding="utf-8")
    with pytest.raises(InvalidPolicy) as refused:
        read_policies("policies")
    assert f"```text\n{refused.value}\n```" in TEXT
