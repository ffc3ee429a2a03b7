"""Two policies in two markets, small enough to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook

POLICY = """
    title: {name}
    severity: serious
    stance: prohibited
    targets: {{max_leakage: 0.02, max_wrongful_reject: 0.10, confidence: 0.95}}
    thresholds: {{approve_below: 0.1, reject_at: 0.9}}
    when_degraded: review
    reason: The ad is {name}.
"""


@pytest.fixture(scope="session")
def policy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policies")
    (folder / "default.yaml").write_text(
        "policies:\n" + "".join(f"  {name}:{POLICY.format(name=name)}" for name in ("deceptive", "gambling"))
    )
    for market in ("SE", "GB"):
        (folder / f"{market}.yaml").write_text("extends: default\n")
    return folder


@pytest.fixture(scope="session")
def book(policy_folder: Path) -> PolicyBook:
    return read_policies(policy_folder)
