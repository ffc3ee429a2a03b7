"""policy solve: what is said of the early exit."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adverdict.certification.exits.solve import ExitCertificate
from adverdict.cli.policy.solve import _show_exits
from tests.golden import Golden

FOUND = ExitCertificate(
    certificate_id="exit-0123456789abcdef",
    limit=0.0398,
    ads=30_000,
    advertisers=9_412,
    draws=21_530.4,
    left=18_600,
    flipped=11,
    upper=0.000823,
    disagreeing=1_207,
    max_flipped=0.001,
    confidence=0.95,
    expires_at=datetime(2027, 2, 20, tzinfo=UTC),
)


def test_the_early_exit_is_told_in_ads_that_leave_and_verdicts_that_flip(capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    few = replace(FOUND, limit=0.0, ads=4_100, draws=1_204.0, left=123, flipped=0, upper=0.0025, disagreeing=160)
    none = replace(few, ads=0, draws=0.0, left=0, upper=1.0, disagreeing=0)
    disagreeing = replace(FOUND, limit=0.0, left=900, flipped=0)
    for one in (FOUND, few, none, disagreeing):
        _show_exits(one)
    golden.check("policy_solve_exits.txt", re.sub(r" +$", "", capsys.readouterr().out, flags=re.M))
