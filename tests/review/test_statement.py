"""A statement of reasons says what the record says, and is withdrawn with the rejection."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from adverdict.decisions.policy import MarketRules, PolicyBook, Severity
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.review.reasons.grounds import CATEGORIES, UNION, Category, category
from adverdict.review.reasons.statement import StatementOfReasons, statement
from tests.decisions.build import POLICY
from tests.golden import Golden
from tests.review.story import Story, an_ad

APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT
DECEPTIVE = replace(POLICY, name="deceptive", title="Deceptive claims", severity=Severity.SEVERE, reason="The ad misleads.")
BOOK = PolicyBook(names=("gambling", "deceptive"), rules={market: MarketRules((POLICY, DECEPTIVE)) for market in ("SE", "US")})
Happened = Callable[[Story], DecisionMade]


def stated(ledger: Ledger, made: DecisionMade) -> StatementOfReasons | None:
    return statement(ledger.about(made.decision.decision_id), BOOK)


def rejected(story: Story) -> DecisionMade:
    return story.decide(an_ad(1), REJECT, stopped_by=["gambling", "deceptive"])


def reviewed(story: Story) -> DecisionMade:
    made = story.decide(an_ad(1), REVIEW)
    story.answer(made, "reject", ["gambling"])
    story.resolve(made, REJECT, violated=["gambling"])
    return made


def reviewed_without_a_model(story: Story) -> DecisionMade:
    made = story.decide(an_ad(1), REVIEW, known=False)
    story.resolve(made, REJECT, violated=["gambling"])
    return made


def found_by_an_audit(story: Story) -> DecisionMade:
    made = story.decide(an_ad(1), APPROVE, audit=(0.1, True))
    story.resolve(made, REJECT, "audit", ["deceptive"])
    return made


def confirmed_by_people(story: Story) -> DecisionMade:
    made = rejected(story)
    story.resolve(made, REJECT, violated=["deceptive"])
    return made


def upheld(story: Story) -> DecisionMade:
    made = rejected(story)
    story.rule(made, story.appeal(made), "upheld")
    return made


def appealed(story: Story) -> DecisionMade:
    made = rejected(story)
    story.appeal(made)
    return made


def audited_and_agreed(story: Story) -> DecisionMade:
    made = story.decide(an_ad(1), REJECT, audit=(0.1, True))
    story.answer(made, "reject", ["deceptive"], kind="audit")
    return made


FULLY, PARTIALLY, NOT = (f"AUTOMATED_DECISION_{word}" for word in ("FULLY", "PARTIALLY", "NOT_AUTOMATED"))


@pytest.mark.parametrize(
    ("happened", "automated", "detected", "applies"),
    [
        (rejected, FULLY, "Yes", "2026-03-01"),
        (appealed, FULLY, "Yes", "2026-03-01"),
        (audited_and_agreed, FULLY, "Yes", "2026-03-01"),
        (reviewed, PARTIALLY, "Yes", "2026-03-02"),
        (upheld, PARTIALLY, "Yes", "2026-03-01"),
        (confirmed_by_people, PARTIALLY, "Yes", "2026-03-01"),
        (reviewed_without_a_model, NOT, "No", "2026-03-02"),
        (found_by_an_audit, NOT, "No", "2026-03-02"),
    ],
)
def test_it_says_who_decided_and_from_when_on(ledger: Ledger, happened: Happened, automated: str, detected: str, applies: str) -> None:
    told = stated(ledger, happened(Story(ledger, count(840, 480))))  # the decision late in the evening, the next entry a day later
    assert told is not None
    assert (told.automated_decision, told.automated_detection, str(told.application_date)) == (automated, detected, applies)


def overturned(story: Story) -> DecisionMade:
    made = rejected(story)
    story.rule(made, story.appeal(made), "overturned")
    return made


def overturned_after_review(story: Story) -> DecisionMade:
    made = reviewed(story)
    story.rule(made, story.appeal(made), "overturned")
    return made


def contradicted_by_an_audit(story: Story) -> DecisionMade:
    made = rejected(story)
    story.resolve(made, APPROVE, "audit")
    return made


@pytest.mark.parametrize(
    "happened",
    [
        overturned,
        overturned_after_review,
        contradicted_by_an_audit,
        lambda story: story.decide(an_ad(1), APPROVE),
        lambda story: story.decide(an_ad(1), REVIEW),
    ],
)
def test_there_is_none_for_an_ad_that_is_not_rejected_any_more_or_not_yet(ledger: Ledger, happened: Happened) -> None:
    assert stated(ledger, happened(Story(ledger))) is None


def test_there_is_none_when_the_decision_has_been_erased(ledger: Ledger) -> None:
    made = reviewed(Story(ledger))
    assert statement(ledger.about(made.decision.decision_id)[1:], BOOK) is None


def test_words_are_those_on_record_and_the_policys_where_people_decided(ledger: Ledger) -> None:
    story = Story(ledger)
    automatic, human = stated(ledger, rejected(story)), stated(ledger, reviewed(story))
    assert automatic is not None
    assert human is not None
    assert automatic.incompatible_content_explanation == "The ad is deceptive. The ad is gambling."
    assert automatic.incompatible_content_ground == "Deceptive claims; Gambling"
    assert human.incompatible_content_explanation == "Gambling may not be advertised here."


def test_the_most_severe_policy_gives_the_category_and_the_others_are_added(ledger: Ledger) -> None:
    told = stated(ledger, rejected(Story(ledger)))
    assert told is not None
    assert (told.category, told.category_addition) == (Category.CONSUMER_INFORMATION, (Category.OTHER,))


def test_a_policy_of_the_platforms_own_is_incompatible_with_its_terms(ledger: Ledger) -> None:
    made = Story(ledger).decide(an_ad(1), REJECT, policies=["loud_colours"], stopped_by=["loud_colours"])
    told = stated(ledger, made)
    assert told is not None
    assert (told.decision_ground, told.category) == ("DECISION_GROUND_INCOMPATIBLE_CONTENT", Category.OTHER)
    assert told.incompatible_content_ground == "loud_colours"


def test_an_ad_is_illegal_only_where_somebody_names_the_law(ledger: Ledger) -> None:
    made = rejected(Story(ledger))
    told = statement(ledger.about(made.decision.decision_id), BOOK, {"gambling": "Spellagen (2018:1138)"})
    assert told is not None
    assert told.decision_ground == "DECISION_GROUND_ILLEGAL_CONTENT"
    assert (told.illegal_content_legal_ground, told.illegal_content_explanation) == ("Spellagen (2018:1138)", "The ad is gambling.")
    assert told.incompatible_content_ground is None


@pytest.mark.parametrize(("market", "scope"), [("SE", ("SE",)), ("NO", ("NO",)), ("US", ()), ("GB", ())])
def test_only_markets_of_the_union_are_named(ledger: Ledger, market: str, scope: tuple[str, ...]) -> None:
    told = stated(ledger, Story(ledger).decide(an_ad(1, market=market), REJECT))
    assert told is not None
    assert (told.territorial_scope, told.in_union) == (scope, bool(scope))


@pytest.mark.parametrize(
    ("fields", "types", "language"),
    [
        ({}, ("TEXT",), "SV"),
        ({"creative_format": "video", "language": "pt-BR"}, ("TEXT", "VIDEO"), "PT"),
        ({"creative_format": "Banner", "title": None, "body": None, "language": "fil"}, ("IMAGE",), None),
        ({"creative_format": "hologram", "title": None, "body": None, "language": None}, (), None),
    ],
)
def test_an_ad_is_described_by_what_it_is_made_of(
    ledger: Ledger, fields: dict[str, str], types: tuple[str, ...], language: str | None
) -> None:
    told = stated(ledger, Story(ledger).decide(an_ad(1, **fields), REJECT))
    assert told is not None
    assert told.content_type == tuple(f"CONTENT_TYPE_{kind}" for kind in (*types, "OTHER"))
    assert told.content_language == language


def test_it_quotes_nothing_of_the_ad_and_names_nobody(ledger: Ledger) -> None:
    story = Story(ledger)
    made = story.decide(an_ad(1, advertiser_id="adv-secret", title="My phone is 0700-112233"), REVIEW)
    story.answer(made, "reject", ["gambling"], reviewer="rita")
    story.resolve(made, REJECT, violated=["gambling"])
    told = stated(ledger, made)
    assert told is not None
    written = json.dumps(told.to_database())
    assert [word for word in ("adv-secret", "0700", "rita", 'ad-1"') if word in written] == []


KIDS = PolicyBook(
    names=("deceptive",), rules={"SE": MarketRules((DECEPTIVE,), {"kids_video": (DECEPTIVE,)}), "US": MarketRules((DECEPTIVE,))}
)


@pytest.mark.parametrize(
    ("market", "surface", "told"),
    [
        ("SE", "kids_video", "in SE (kids_video)."),
        ("SE", " Kids-Video", "in SE (kids_video)."),
        ("SE", "feed", "in SE."),
        ("SE", "Call me on 0700-112233", "in SE."),
        ("US", "kids_video", "in US."),
        ("BR", "kids_video", "in BR."),
        ("SE", None, "in SE."),
    ],
)
def test_a_surface_is_named_only_as_the_markets_files_name_it(ledger: Ledger, market: str, surface: str | None, told: str) -> None:
    made = Story(ledger).decide(an_ad(1, market=market, surface=surface), REJECT)
    found = statement(ledger.about(made.decision.decision_id), KIDS)
    assert found is not None
    assert f"to be shown {told} Automated assessment" in found.decision_facts


def test_every_packaged_policy_has_a_category_and_any_other_the_default() -> None:
    from adverdict.decisions.files.read import read_policies
    from adverdict.policies import folder

    assert set(read_policies(folder()).names) == set(CATEGORIES)
    assert category("loud_colours") is Category.OTHER
    assert len(UNION) == 30


def test_what_is_sent_and_what_a_person_reads(ledger: Ledger, golden: Golden) -> None:
    told = []
    for happened in (rejected, reviewed, found_by_an_audit, upheld):
        made = happened(Story(ledger, count(100 * (len(told) + 1))))
        one = stated(ledger, made)
        assert one is not None
        told.append(one.model_copy(update={"puid": f"dec-{len(told) + 1}", "decision_id": f"dec-{len(told) + 1}"}))
    lines = [json.dumps({**one.to_database(), "redress": one.redress}, indent=1, ensure_ascii=False) for one in told]
    golden.check("statements.txt", "\n".join(lines))
