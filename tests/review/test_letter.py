"""A letter says to an advertiser what the record says, in words of theirs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from adverdict import policies
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.markets import languages_of
from adverdict.decisions.policy import MarketRules, PolicyBook
from adverdict.domain.decision import Reason
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.review.reasons.letter import Letter, letter, six_months_after, words_of
from adverdict.review.reasons.phrases import ENGLISH, languages, offered, phrases
from tests.decisions.build import POLICY
from tests.golden import Golden
from tests.review.story import Story, an_ad

APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT
GAMBLING = replace(
    POLICY,
    title="Gambling and betting for money",
    reason="The ad promotes gambling, betting or games of chance for money, which may not be advertised here.",
)
BOOK = PolicyBook(names=("gambling",), rules={market: MarketRules((GAMBLING,)) for market in ("SE", "US")})
SENTENCE = ("opening", "subject")


def told(ledger: Ledger, made: DecisionMade, *reasons: Reason, language: str | None = None) -> Letter:
    found = letter(ledger.about(made.decision.decision_id), BOOK, reasons, language)
    assert found is not None
    return found


def test_every_language_says_everything_with_the_same_blanks() -> None:
    def blanks(said: object) -> object:
        if isinstance(said, dict):
            return {key: blanks(value) for key, value in said.items()}
        return sorted(name for name in ("title", "date", "market", "words", "rules") if f"{{{name}}}" in str(said))

    english = blanks(phrases(ENGLISH).said)
    assert {language: blanks(phrases(language).said) for language in languages()} == dict.fromkeys(languages(), english)


def test_every_packaged_policy_is_translated_into_the_language_of_its_market() -> None:
    missing = []
    for market, _, policy in read_policies(policies.folder()).every():
        said = phrases(next(one for one in offered(market)))
        if said.language != ENGLISH and not (said.rule(policy.reason)[1] and policy.title in said.titles):
            missing.append((market, policy.name, said.language))
    assert missing == []


def test_what_an_advertiser_reads(ledger: Ledger, golden: Golden) -> None:
    story = Story(ledger)
    rejected = story.decide(an_ad(1), REJECT, stopped_by=["gambling"])
    reason = Reason(policy="gambling", kind="phrase", signal="ad", text='the text says "ad"', effect=1.0)
    text = [told(ledger, rejected, reason, language=language).text() for language in offered(rejected.ad.market)]
    story.appeal(rejected)
    text.append(told(ledger, rejected, language="en").text())
    golden.check("letters.txt", "\n".join(text).replace(rejected.decision.decision_id, "dec-1"))


def test_an_overturned_ad_is_told_so_and_no_rule_is_held_against_it(ledger: Ledger) -> None:
    story = Story(ledger)
    made = story.decide(an_ad(1), REJECT, stopped_by=["gambling"])
    story.rule(made, story.appeal(made), "overturned")
    story.resolve(made, APPROVE, "appeal")
    found = told(ledger, made, language="en")
    assert found.outcome == "overturned"
    assert found.parts == ()
    assert "may be shown" in found.text()


@pytest.mark.parametrize(("verdict", "outcome"), [(APPROVE, "approved"), (REVIEW, "review")])
def test_an_ad_that_was_never_rejected_is_told_where_it_stands(verdict: Verdict, outcome: str, ledger: Ledger) -> None:
    assert told(ledger, Story(ledger).decide(an_ad(1), verdict)).outcome == outcome


def test_an_advertiser_whose_ads_people_read_because_of_strikes_is_told_so(ledger: Ledger) -> None:
    made = Story(ledger).decide(an_ad(1), REVIEW)
    struck = made.model_copy(update={"decision": made.decision.model_copy(update={"degraded": ("strikes:gambling",)})})
    [entry] = [one for one in ledger.about(made.decision.decision_id) if one.body == made]
    found = letter([entry.model_copy(update={"body": struck})], BOOK, language="en")
    assert found is not None
    assert "Several of your ads were rejected under: “Gambling and betting for money”. People therefore examine" in found.text()
    assert found.outcome == "review"
    assert told(ledger, made).parts == (), "and nothing of it elsewhere"


def test_outside_the_union_nothing_is_said_of_its_law(ledger: Ledger) -> None:
    made = Story(ledger).decide(an_ad(1, market="US"), REJECT, stopped_by=["gambling"])
    text = told(ledger, made).text()
    assert "Regulation" not in text
    assert "Appeal, free of charge. " in text


def test_what_nobody_has_translated_is_quoted_and_said(ledger: Ledger) -> None:
    own = PolicyBook(names=("gambling",), rules={"SE": MarketRules((replace(GAMBLING, reason="No betting here."),))})
    made = Story(ledger).decide(an_ad(1), REVIEW)
    Story(ledger).resolve(made, REJECT, violated=["gambling"])
    found = letter(ledger.about(made.decision.decision_id), own)
    assert found is not None
    assert found.quoted
    assert "No betting here." in found.text()


def test_a_market_whose_language_has_no_letter_is_told_in_english_and_which_it_lacks(ledger: Ledger) -> None:
    found = told(ledger, Story(ledger).decide(an_ad(1, market="GR"), APPROVE))
    assert (found.language, found.lacking) == ("en", "el")


def test_another_language_than_those_offered_is_refused(ledger: Ledger) -> None:
    made = Story(ledger).decide(an_ad(1), APPROVE)
    with pytest.raises(KeyError):
        told(ledger, made, language="ja")


def test_the_words_quoted_are_the_ads_own_and_only_those_that_raised_a_risk() -> None:
    ad = an_ad(1).model_copy(update={"title": "W1NNER takes the JACKPOT!", "body": "Free socks"})
    reasons = [
        Reason(policy="gambling", kind="phrase", signal="jackpot", text='the text says "jackpot"', effect=2.0),
        Reason(policy="gambling", kind="phrase", signal="socks", text='the text says "socks"', effect=-1.0),
        Reason(policy="gambling", kind="fact", signal="age", text="the account is new", effect=3.0),
    ]
    assert words_of(ad, reasons) == ("JACKPOT",)


@pytest.mark.parametrize(
    ("at", "until"),
    [("2026-01-15", date(2026, 7, 15)), ("2026-08-31", date(2027, 2, 28)), ("2026-06-30", date(2026, 12, 30))],
)
def test_an_appeal_is_open_for_six_months(at: str, until: date) -> None:
    assert six_months_after(datetime.fromisoformat(at).replace(tzinfo=UTC)) == until


def test_the_languages_of_a_market_are_those_most_people_speak_there() -> None:
    assert languages_of("BR") == ("pt",)
    assert languages_of("XX") == ()
