"""What is on record can be decided again, and comes out the same: the recorded bundle, policies, thresholds and history."""

from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from adverdict.certification.exits.cuts import CutTable, Exits
from adverdict.decisions.exits import ExitRule
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import MarketRules, PolicyBook, Thresholds
from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.errors import NotFound
from adverdict.ledger.audit_secret import make_audit_secret
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.schema import contents
from adverdict.ledger.store import Ledger
from adverdict.review.labels.incoming import bring
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.opened import BundleModel, open_bundle
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.replay import compare, replay
from adverdict.scoring.scorer import EVERYBODY, Depth, Scorer
from adverdict.storage.tables.pack import read_ads
from tests.decisions.build import POLICY
from tests.ledger.made import erase_rows


@pytest.fixture(scope="module")
def model(tiny_bundle: Path) -> BundleModel:
    return open_bundle(tiny_bundle)


@pytest.fixture(scope="module")
def ads(marketplace: Path) -> list[Ad]:
    return [ad for ad in read_ads(marketplace) if ad.market in ("SE", "GB")][-48:]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, model: BundleModel, ads: list[Ad]) -> Path:
    """Decisions of two workers on the same advertisers' ads, labels on them, and two without a model; to copy."""
    file = tmp_path_factory.mktemp("recorded") / "ledger.db"
    ledger = Ledger.open(f"sqlite:///{file}")
    scorer = Scorer(model, read_policies())
    workers = [Recorder(ledger, ReviewSettings()) for _ in range(2)]
    for start in range(0, 48, 8):
        ahead = [worker.known(scorer) for worker in workers]
        for worker, known, some in zip(workers, ahead, (ads[start : start + 4], ads[start + 4 : start + 8]), strict=True):
            worker.record([DecidedRequest(some, scorer.score(some, known=known))], scorer)
        labels = [Label(ad_id=ad.ad_id, policy="deceptive", violates=True, labelled_at=ad.submitted_at) for ad in ads[start : start + 8]]
        bring(ledger, labels, "platform", ads[-1].submitted_at)
    nobody = Scorer(None, read_policies())
    workers[0].record([DecidedRequest(ads[:2], nobody.score(ads[:2], degraded=(Degradation(Cause.UNREACHABLE),)))], nobody)
    ledger.close()
    return file


@pytest.fixture
def ledger(recorded: Path, tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{shutil.copy(recorded, tmp_path)}", create=False)


def only(model: BundleModel, version: str) -> BundleModel:
    if version != model.version:
        raise NotFound(f"no bundle {version}")
    return model


def test_every_recorded_decision_comes_out_the_same(ledger: Ledger, model: BundleModel) -> None:
    found = replay(ledger, lambda version: only(model, version))
    assert (found.same, found.different, dict(found.skipped)) == (50, 0, {})


def approving(ledger: Ledger, model: BundleModel, ads: list[Ad], secret: bytes | None) -> list[Decision]:
    """Recorded decisions that approve every ad, and so draw it for the audit or not."""
    policy = replace(POLICY, name=model.policies[0], thresholds=Thresholds(1.0, 1.0), audit_share=0.5)
    book = PolicyBook(names=model.policies, rules={market: MarketRules((policy,)) for market in ("SE", "GB")})
    scorer, worker = Scorer(model, book, audit_secret=secret), Recorder(ledger, ReviewSettings())
    decided = scorer.score(ads, known=worker.known(scorer))
    worker.record([DecidedRequest(ads, decided)], scorer)
    return decided


def test_ads_drawn_by_the_ledgers_secret_come_out_the_same_beside_those_drawn_without(
    ledger: Ledger, model: BundleModel, ads: list[Ad]
) -> None:
    secret = make_audit_secret(ledger, ads[-1].submitted_at)
    decided = [one for some in (None, secret) for one in approving(ledger, model, ads[:12], some)]
    assert {one.audit.design for one in decided if one.audit} == {"audit-1", "audit-2"}
    found = replay(ledger, lambda version: only(model, version))
    assert (found.same, found.different, dict(found.skipped)) == (74, 0, {})


def test_a_decision_drawn_by_a_secret_that_the_ledger_does_not_have_is_not_replayed(
    ledger: Ledger, model: BundleModel, ads: list[Ad]
) -> None:
    approving(ledger, model, ads[:12], b"another ledger's secret")
    found = replay(ledger, lambda version: only(model, version))
    assert dict(found.skipped) == {"the ledger does not keep the secret by which it was drawn for the audit": 12}


def test_history_of_the_ledger_moves_risks_so_that_replaying_with_another_one_differs(ledger: Ledger, model: BundleModel) -> None:
    """Else the test above would say nothing of the history."""
    scorer = Scorer(model, read_policies())
    last = [entry.body for entry in ledger.read(kinds=["decision"])][-3]
    assert isinstance(last, DecisionMade)
    without = scorer.score([last.ad])[0]
    recorded = {verdict.policy: verdict.risk for verdict in last.decision.policies}
    assert {verdict.policy: verdict.risk for verdict in without.policies} != recorded


def test_one_decision_can_be_replayed_by_its_id(ledger: Ledger, model: BundleModel) -> None:
    entry = next(iter(ledger.read(kinds=["decision"])))
    assert replay(ledger, lambda version: only(model, version), decision_id=entry.entry_id).same == 1
    with pytest.raises(NotFound):
        replay(ledger, lambda version: only(model, version), decision_id="dec-0")


def test_a_changed_record_is_told_field_by_field(ledger: Ledger, model: BundleModel) -> None:
    seq = next(iter(ledger.read(kinds=["decision"]))).seq
    with ledger.change() as connection:
        body = json.loads(zlib.decompress(connection.execute(select(contents.c.body).where(contents.c.seq == seq)).scalar_one()))
        body["decision"]["policies"][0]["risk"]["p"] += 0.001
        connection.execute(update(contents).where(contents.c.seq == seq).values(body=zlib.compress(json.dumps(body).encode())))
    found = replay(ledger, lambda version: only(model, version))
    assert [(one.seq, one.field) for one in found.differences] == [(seq, "policies[0].risk.p")]
    assert (found.same, found.different) == (49, 1)


def test_a_record_of_before_that_says_less_is_the_same(ledger: Ledger, model: BundleModel) -> None:
    entry = next(iter(ledger.read(kinds=["decision"])))
    assert isinstance(entry.body, DecisionMade)
    again = entry.body.decision
    assert standings(again)
    said = again.model_dump(mode="json", exclude=dict.fromkeys(("record", "unused_risks", "familiarity", "arm", "cluster"), True))
    for policy in said["policies"]:
        del policy["standing"]
    before = Decision.model_validate(said)
    assert compare(before, again, entry.seq) == []
    assert [one.field for one in compare(again, before, entry.seq)] == [*standings(again), "unused_risks", "familiarity"]


def standings(decision: Decision) -> list[str]:
    return [f"policies[{number}].standing" for number, one in enumerate(decision.policies) if one.standing is not None]


def test_what_cannot_be_replayed_is_counted_by_cause(ledger: Ledger) -> None:
    def gone(version: str) -> BundleModel:
        raise NotFound(f"no bundle {version}")

    last = list(ledger.read(kinds=["decision"]))[-1].seq
    erase_rows(ledger, last)
    found = replay(ledger, gone)
    assert found.same == 1  # of those without a model, one is left
    assert sorted(found.skipped.values()) == [1, 48]


# Ads that left early ----------------------------------------------------------------------------------------------------------------


WAYS: tuple[tuple[Depth, bool], ...] = (("cascade", True), ("early", True), ("full", True), ("early", False), ("cascade", False))
"""How far the ads were to go, and whether there was a rule to leave by."""


@pytest.fixture(scope="module")
def rule(model: BundleModel, ads: list[Ad]) -> ExitRule:
    """Half of the ads leave early by it."""
    cuts = CutTable(read_policies(), model.solved, model.policies)(ads)
    doubts = model.score_until(ads, None, Exits(cuts, EVERYBODY)).scores.doubt
    return ExitRule(float(np.median(doubts)), "exit-0123456789abcdef")


@pytest.fixture
def cascaded(tmp_path: Path, model: BundleModel, ads: list[Ad], rule: ExitRule) -> Ledger:
    """The same ads decided in every way."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    for number, (depth, by_rule) in enumerate(WAYS):
        ids = map(f"dec-{number}-{{}}".format, count()).__next__
        scorer = Scorer(model, read_policies(), exits=rule if by_rule else None, ids=ids)
        recorder = Recorder(ledger, ReviewSettings())
        known = recorder.known(scorer)
        recorder.record([DecidedRequest(ads, scorer.score(ads, known=known, depth=depth))], scorer)
    return ledger


@pytest.mark.slow
def test_decisions_come_out_the_same_whichever_way_their_ads_went(cascaded: Ledger, model: BundleModel, ads: list[Ad]) -> None:
    decided = [entry.body.decision for entry in cascaded.read(kinds=["decision"]) if isinstance(entry.body, DecisionMade)]
    ways = {(one.exit, "deadline" in one.degraded, one.exit_certificate is not None) for one in decided}
    assert ways == {("early", False, True), ("full", False, True), ("early", True, True), ("early", True, False), (None, False, False)}
    found = replay(cascaded, lambda version: only(model, version))
    assert (found.same, found.different, dict(found.skipped)) == (len(WAYS) * len(ads), 0, {})


def test_the_way_an_ad_went_moves_its_risk_so_that_replaying_another_one_differs(model: BundleModel, ads: list[Ad], rule: ExitRule) -> None:
    """Else the test above would say nothing of exits."""
    scorer = Scorer(model, read_policies(), exits=rule)
    for parted, whole in zip(scorer.score(ads), scorer.score(ads, depth="full"), strict=True):
        same = [one.risk for one in parted.policies] == [one.risk for one in whole.policies]
        assert same == (parted.exit == "full")
