"""What is exported is what people said, on what they saw, with the probability of their seeing it; and its history is the ledger's."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidSettings, NotFound
from adverdict.domain.progress import Silent
from adverdict.domain.verdict import Verdict
from adverdict.features.history.asof import counts_asof
from adverdict.features.history.state import HistoryState
from adverdict.ledger.history import LedgerHistory
from adverdict.ledger.store import Ledger
from adverdict.review.labels import export as module
from adverdict.review.labels.export import export, version_id
from adverdict.storage.tables.pack import read_pack
from tests.features.history.worlds import difference
from tests.ledger.made import a_label, erase_rows
from tests.review.story import POLICIES, Story, an_ad, minutes

APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT


def said(labels: Sequence[Label]) -> set[tuple[str, str, bool, str, float | None]]:
    return {(label.ad_id, label.policy, label.violates, label.source, label.inclusion_probability) for label in labels}


def test_every_label_comes_with_its_source_and_the_probability_of_being_asked_for(ledger: Ledger, tmp_path: Path) -> None:
    story = Story(ledger)
    reviewed, audited, rejected = story.decide(an_ad(1), REVIEW), story.decide(an_ad(2), APPROVE, audit=(0.2, True)), None
    story.decide(an_ad(3), APPROVE, audit=(0.2, False))
    rejected = story.decide(an_ad(4), REJECT, audit=(0.05, True))
    story.answer(reviewed, "reject", ["gambling"])
    story.answer(reviewed, "approve", kind="double", reviewer="sam", asked=["gambling"])
    story.answer(audited, "approve", kind="audit", asked=["gambling"])
    story.answer(audited, "unsure", kind="double", source="audit", reviewer="sam")
    story.answer(rejected, "reject", ["deceptive"], kind="audit")
    story.answer(rejected, "reject", ["deceptive"], kind="senior", source="audit", reviewer="sven")
    story.answer(rejected, "approve", kind="golden", reviewer="gail")
    story.label(rejected, a_label(rejected.ad, policy="adult", inclusion_probability=0.5))
    exported = export(ledger, tmp_path / "pack")
    pack = read_pack(tmp_path / "pack")
    assert said(pack.labels) == {
        ("ad-1", "gambling", True, "review", 1.0),
        ("ad-1", "gambling", False, "review", 1.0),
        ("ad-2", "gambling", False, "audit", 0.2),
        ("ad-4", "deceptive", True, "audit", 0.05),
        ("ad-4", "adult", True, "import", 0.5),
    }
    assert {label.rater_id for label in pack.labels} == {"rita", "sam", "sven", None}
    assert (exported.ads, exported.labels, exported.sources) == (4, 6, {"audit": 3, "import": 1, "review": 2})
    assert pack.warnings == []


def test_the_design_of_an_audit_is_exported_and_stays_null_where_nobody_told_it(ledger: Ledger, tmp_path: Path) -> None:
    story = Story(ledger)
    told, untold = (
        story.decide(an_ad(number), APPROVE, audit=(0.2, True), design=design) for number, design in ((1, "audit-1"), (2, None))
    )
    for made in (told, untold):
        story.answer(made, "approve", kind="audit", asked=["gambling"])
    story.label(told, a_label(told.ad, policy="adult", design="plan-7", inclusion_probability=0.5))
    export(ledger, tmp_path / "pack")
    labels = read_pack(tmp_path / "pack").labels
    assert {(one.ad_id, one.policy, one.design) for one in labels} == {
        ("ad-1", "gambling", "audit-1"),
        ("ad-1", "adult", "plan-7"),
        ("ad-2", "gambling", None),
    }


def test_denominators_count_decisions_nobody_read(ledger: Ledger, tmp_path: Path) -> None:
    story = Story(ledger)
    for number in range(10):
        made = story.decide(an_ad(number), APPROVE, audit=(0.2, number < 2))
        if number == 0:
            story.answer(made, "approve", kind="audit")
    story.decide(an_ad(20), REJECT, audit=(0.5, False))
    story.answer(story.decide(an_ad(21), REVIEW), "approve")
    story.decide(an_ad(22), REVIEW)
    export(ledger, tmp_path / "pack")
    found = json.loads((tmp_path / "pack" / "sampling.json").read_text())
    assert found["strata"] == [
        {"verdict": "approve", "probability": 0.2, "decisions": 10, "chosen": 2, "labelled": 1},
        {"verdict": "review", "probability": 1.0, "decisions": 2, "chosen": 2, "labelled": 1},
        {"verdict": "reject", "probability": 0.5, "decisions": 1, "chosen": 0, "labelled": 0},
    ]
    assert (found["ads"], found["labels"], found["labels_by_source"]) == (13, 4, {"audit": 2, "review": 2})


def test_labels_a_ruling_retracts_are_gone_and_the_appeals_own_are_there(ledger: Ledger, tmp_path: Path) -> None:
    story = Story(ledger)
    made = story.decide(an_ad(1), REVIEW)
    wrong, outside = story.answer(made, "reject", ["deceptive", "gambling"]), story.label(made)
    appeal = story.appeal(made)
    story.answer(made, "approve", kind="appeal", reviewer="sven", asked=["deceptive"])
    story.rule(made, appeal, "overturned", [wrong, outside])
    upheld = story.decide(an_ad(2), REVIEW)
    right = story.answer(upheld, "reject", ["deceptive"])
    story.rule(upheld, story.appeal(upheld), "upheld", [right])
    export(ledger, tmp_path / "pack")
    assert said(read_pack(tmp_path / "pack").labels) == {
        ("ad-1", "gambling", True, "review", 1.0),
        ("ad-1", "deceptive", False, "appeal", None),
        ("ad-2", "deceptive", True, "review", 1.0),
    }


def test_an_ad_rejected_automatically_and_read_because_of_an_appeal_was_not_drawn(ledger: Ledger, tmp_path: Path) -> None:
    story = Story(ledger)
    made = story.decide(an_ad(1), REJECT, audit=(0.3, True))
    story.answer(made, "approve", kind="review", asked=["deceptive"])
    export(ledger, tmp_path / "pack")
    assert said(read_pack(tmp_path / "pack").labels) == {("ad-1", "deceptive", False, "review", None)}
    [stratum] = json.loads((tmp_path / "pack" / "sampling.json").read_text())["strata"]
    assert (stratum["chosen"], stratum["labelled"]) == (1, 0)


def test_each_version_of_an_ad_is_an_ad_and_a_repeated_decision_none(ledger: Ledger, tmp_path: Path) -> None:
    story = Story(ledger)
    old = an_ad(1, landing_domain="old.example")
    edited = old.model_copy(update={"submitted_at": minutes(50), "title": "Edited", "landing_domain": "new.example"})
    before = story.decide(old, REVIEW)
    after = story.decide(edited, REVIEW)
    again = story.decide(edited, APPROVE, first=False, audit=(0.4, True))
    story.answer(after, "reject", ["gambling"])
    story.answer(before, "approve", asked=["gambling"])  # later than the edit, on what was there before it
    story.answer(again, "approve", kind="audit", asked=["deceptive"])
    export(ledger, tmp_path / "pack")
    pack = read_pack(tmp_path / "pack")
    renamed = "ad-1@2026-03-01T09:50:00.000000Z"
    assert [(ad.ad_id, ad.title) for ad in pack.ads] == [("ad-1", "Offer 1"), (renamed, "Edited")]
    assert said(pack.labels) == {
        ("ad-1", "gambling", False, "review", 1.0),
        (renamed, "gambling", True, "review", 1.0),
        (renamed, "deceptive", False, "audit", 0.4),
    }


def test_a_later_versions_name_does_not_depend_on_the_period(ledger: Ledger, tmp_path: Path) -> None:
    story = Story(ledger)
    story.decide(an_ad(1), REVIEW)
    later = story.decide(an_ad(1, submitted_at=minutes(50)), REVIEW)
    export(ledger, tmp_path / "all")
    export(ledger, tmp_path / "late", since=later.decision.decided_at)
    assert read_pack_ids(tmp_path / "all")[1:] == read_pack_ids(tmp_path / "late")


def read_pack_ids(folder: Path) -> list[str]:
    from adverdict.storage.tables.pack import read_ads

    return [ad.ad_id for ad in read_ads(folder)]


@pytest.mark.parametrize("length", [1, 170, 172, 173, 200])
def test_a_versions_name_is_an_id_however_long_the_ads(length: int) -> None:
    names = {version_id("x" * (length - 1) + end, minutes_in_micros) for end in "yz" for minutes_in_micros in (0, 1)}
    assert len(names) == 4
    assert all(len(name) <= module.LONGEST for name in names)
    assert all(Ad.model_validate({**an_ad(1).model_dump(), "ad_id": name}) for name in names)


def test_ads_are_chosen_by_their_first_decision_and_bring_all_their_labels(ledger: Ledger, tmp_path: Path) -> None:
    story = Story(ledger)
    mades = [story.decide(an_ad(number), REVIEW, at=minutes(100 + number)) for number in range(4)]
    for made in mades:
        story.answer(made, "approve", asked=["gambling"])
    story.decide(mades[0].ad, REVIEW, first=False, at=minutes(102))
    export(ledger, tmp_path / "pack", since=minutes(101), until=minutes(103))
    pack = read_pack(tmp_path / "pack")
    assert [ad.ad_id for ad in pack.ads] == ["ad-1", "ad-2"]
    assert [label.ad_id for label in pack.labels] == ["ad-1", "ad-2"]


def test_what_was_erased_is_left_out(ledger: Ledger, tmp_path: Path) -> None:
    story = Story(ledger)
    for number in (1, 2):
        story.answer(story.decide(an_ad(number), REVIEW), "approve", asked=["gambling"])
    erase_rows(ledger, 1)
    export(ledger, tmp_path / "pack")
    pack = read_pack(tmp_path / "pack")
    assert ([ad.ad_id for ad in pack.ads], [label.ad_id for label in pack.labels]) == (["ad-2"], ["ad-2"])


def test_nothing_to_export_a_folder_that_exists_and_an_empty_period_are_refused_and_leave_nothing(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no decision on record from the beginning"):
        export(ledger, tmp_path / "pack")
    Story(ledger).decide(an_ad(1), REVIEW)
    with pytest.raises(NotFound, match="no decision on record since 2026-03-02"):
        export(ledger, tmp_path / "pack", since=minutes(24 * 60))
    with pytest.raises(InvalidSettings, match="until = '2026-03-01T09:00:00"):
        export(ledger, tmp_path / "pack", since=minutes(0), until=minutes(0))
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("ledger.db")] == []
    (tmp_path / "pack").mkdir()
    with pytest.raises(InvalidSettings, match="a folder that does not exist"):
        export(ledger, tmp_path / "pack")


def test_an_interrupted_export_leaves_nothing(ledger: Ledger, tmp_path: Path) -> None:
    Story(ledger).decide(an_ad(1), REVIEW)

    class Interrupting(Silent):
        def advance(self, steps: int = 1) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(ledger, tmp_path / "out" / "pack", progress=Interrupting())
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_history_of_the_pack_is_the_one_the_ledger_tells(
    ledger: Ledger, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 7)  # so that what belongs together lies on several pages
    happened(ledger, random.Random(seed))
    export(ledger, tmp_path / "pack")
    pack = read_pack(tmp_path / "pack")
    told = LedgerHistory(ledger).catch_up()
    packed = HistoryState()
    packed.observe(pack.ads, pack.labels)
    assert packed == told
    assert difference(counts_asof(pack.ads, pack.ads, pack.labels, POLICIES), told.counts(pack.ads, POLICIES)) == []
    assert len(pack.labels) > 10


def happened(ledger: Ledger, chance: random.Random) -> None:
    """Edits, repeated decisions, second readings, late labels and overturned appeals, in any order."""
    story = Story(ledger)
    made = []
    for step in range(60):
        ad = an_ad(
            chance.randint(1, 8),
            advertiser_id=chance.choice(["adv-1", "adv-2"]),
            market=chance.choice(["SE", "DE"]),
            submitted_at=minutes(chance.choice([0, 40, 150])),
            creative_id=chance.choice([None, "cr-1", "cr-2"]),
            landing_domain=chance.choice([None, "a.example", "A.example.", "b.example"]),
        )
        with ledger.write() as writing:
            [first] = writing.first_seen([ad])
        if not first:  # a version is what it was
            ad = next(one.ad for one in made if (one.ad.ad_id, one.ad.submitted_at) == (ad.ad_id, ad.submitted_at))
        verdict = chance.choice([APPROVE, REVIEW, REJECT])
        made.append(story.decide(ad, verdict, first=first, audit=(0.5, chance.random() < 0.5)))
        about = chance.choice(made)
        what = chance.random()
        if what < 0.5:
            answer = story.answer(
                about, chance.choice(["approve", "reject"]), ["deceptive"], kind=chance.choice(["review", "audit", "double"])
            )
            if what < 0.2:
                appeal = story.appeal(about)
                story.answer(about, "approve", kind="appeal", reviewer="sven", asked=["deceptive"])
                story.rule(about, appeal, "overturned", [answer])
        elif what < 0.7:
            late = about.ad.submitted_at + timedelta(minutes=chance.choice([1, 60, 500]))
            story.label(about, a_label(about.ad, violates=chance.random() < 0.5, policy=chance.choice(POLICIES), at=late))
        elif step % 5 == 0:
            story.answer(about, "approve", kind="golden", reviewer="gail")
