"""The flips that the benchmark of batch scoring counts are those of a real bundle, decided as rescoring decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adverdict.benchmarks.batch.flips import beside_each_other
from adverdict.benchmarks.batch.packs import Risks, crossed, read_risks, targets_of
from adverdict.benchmarks.batch.scoring import OpenedPack, opened
from adverdict.benchmarks.batch.speed import BatchSpeedPlan, _ours
from adverdict.benchmarks.shared.killable import write_policies
from adverdict.certification.certificate import Issued
from adverdict.certification.exits.evidence import ExitEvidence
from adverdict.certification.exits.solve import verdicts
from adverdict.simulation import write_marketplace
from adverdict.storage.tables.pack import read_pack

pytestmark = pytest.mark.slow

ADS = 400
DECIDING = (0.02, 0.2)
"""So low that a model this small decides in every way."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marketplace that the bundle has seen nothing of."""
    folder = tmp_path_factory.mktemp("fresh") / "pack"
    write_marketplace(folder, ADS, seed=12)
    return folder


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    manifest: Mapping[str, Any] = json.loads((tiny_bundle / "manifest.json").read_text(encoding="utf-8"))
    return write_policies(tmp_path_factory.mktemp("rules") / "rules", manifest["policies"], ("SE", "GB", "US", "DE"), DECIDING)


@pytest.fixture(scope="module")
def risks(tiny_bundle: Path, rules: Path, fresh: Path) -> tuple[OpenedPack, Risks]:
    ours = opened(tiny_bundle, rules, None, fresh)
    return ours, read_risks(ours)


def certified(folder: Path, ours: OpenedPack, risks: Risks, max_flipped: float) -> Path:
    now = datetime.now(UTC)
    evidence = ExitEvidence.of(
        risks.early,
        risks.whole,
        [(ad.market, ad.surface or "") for ad in ours.ads],
        risks.group,
        max_flipped=max_flipped,
        confidence=0.95,
        bundle_version=ours.bundle.version,
        policies=ours.bundle.policies,
        solved_at=now,
        expires_at=now + timedelta(days=1),
    )
    path = folder / "certificates.json"
    path.write_text(Issued((), evidence).to_json(), encoding="utf-8")
    return path


def test_without_certificates_nobody_leaves_and_it_is_said_why(risks: tuple[OpenedPack, Risks]) -> None:
    ours, _ = risks
    found = beside_each_other(ours)
    assert (found["ads"], found["exit_share"], found["flipped"], ours.rule) == (ADS, 0.0, 0, None)
    assert ours.why == "the certificates carry nothing to solve an exit rule from"


def test_flips_are_the_verdicts_that_early_risks_give_otherwise(
    risks: tuple[OpenedPack, Risks], tiny_bundle: Path, rules: Path, fresh: Path, tmp_path: Path
) -> None:
    bare, said = risks
    ours = opened(tiny_bundle, rules, certified(tmp_path, bare, said, 0.9), fresh)
    found = beside_each_other(ours)
    disagree = (verdicts(said.early, said.cuts) != verdicts(said.whole, said.cuts)).any(axis=1)
    assert ours.rule is not None
    assert ours.rule["limit"] > 0
    left = said.doubt <= ours.rule["limit"]
    assert found["left_early"] == left.sum() > 0
    assert found["flipped"] == (disagree & left).sum()
    assert found["if_all_left_early"]["flipped"] == disagree.sum() > 0
    assert sum(one["ads"] for one in found["markets"].values()) == ADS


def test_advertisers_certified_on_are_not_new(tiny_bundle: Path, rules: Path, fresh: Path) -> None:
    assert opened(tiny_bundle, rules, None, fresh, others=fresh).ads == []


def test_what_the_bundle_was_made_with_is_not_new(tiny_bundle: Path, rules: Path, marketplace: Path) -> None:
    assert len(opened(tiny_bundle, rules, None, marketplace).ads) < len(read_pack(marketplace).ads)


def test_neither_half_of_a_pack_is_judged_by_its_own_certificate(risks: tuple[OpenedPack, Risks], fresh: Path) -> None:
    ours, said = risks
    half = said.group % 2
    targets = targets_of(ours, read_pack(fresh).labels)
    found = crossed(ours, said, half, targets, 0.9)
    assert [rule["limit"] > 0 for rule in found["rules"]] == [True, True]
    assert 0 < found["left_early"] <= found["ads"] == ADS
    alone = np.zeros_like(half)  # one half has nobody: nothing certifies the other
    assert crossed(ours, said, alone, targets, 0.9)["rules"][0]["limit"] == 0


def test_a_pack_too_small_to_certify_lets_nobody_leave(risks: tuple[OpenedPack, Risks], fresh: Path) -> None:
    ours, said = risks
    found = crossed(ours, said, said.group % 2, targets_of(ours, read_pack(fresh).labels), 0.001)
    assert [rule["limit"] for rule in found["rules"]] == [0, 0]
    assert found["flipped"] == 0


def test_rates_come_with_what_left_early_and_where_the_time_went(
    risks: tuple[OpenedPack, Risks], tiny_bundle: Path, rules: Path, fresh: Path, tmp_path: Path
) -> None:
    file = certified(tmp_path, *risks, 0.9)
    found = _ours(tiny_bundle, rules, file, fresh, BatchSpeedPlan(ads=ADS, whole=100, passes=1))
    whole = found["beside"]["full"]
    assert (found["rows"], whole["rows"], whole["exit_share"], whole["texts"]) == (ADS, 100, 0.0, 100)
    assert found["texts"] == round(ADS * (1 - found["exit_share"])) < ADS
    assert set(found["stages"]) == {"history", "features", "cheap_models", "encoder", "deciding", "reasons"}
