"""Certificates stand or fall by the audits of the ads they approve: what counts, what is said of it, and a whole life on one ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adverdict.certification.certificate import Certificate, thresholds
from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import MarketRules, PolicyBook, Targets
from adverdict.decisions.steering import Moved
from adverdict.domain.decision import Decision
from adverdict.domain.risk import RiskScore
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import CertificateMoved, CertificateRevoked, DecisionMade
from adverdict.ledger.in_force.steering import revoke, steering_now
from adverdict.review.quality.standing import Approved, AuditedAd, CertificateStanding, day_of, standings
from adverdict.review.quality.watching import AuditLog, look, watch
from adverdict.review.tasks.routing import Reviewer
from tests.decisions.build import POLICY
from tests.ledger.made import START, an_ad
from tests.review.certificates import a_certificate
from tests.review.desk import Desk

AUDITED = replace(POLICY, name="deceptive", thresholds=None, targets=Targets(0.02, 0.1, 0.95), audit_share=1.0, max_risk=0.25)
"""Every ad is audited, so that nothing is left to chance."""
BOOK = PolicyBook(names=("deceptive",), rules={"SE": MarketRules((AUDITED,))})
DAY = timedelta(days=1)


def of_day(
    day: int, ads: int, errors: int = 0, still_open: int = 0, inclusion: float = 1.0, made: Certificate | None = None
) -> list[AuditedAd]:
    approved = Approved(day_of(START) + day * DAY, inclusion, frozenset({(made or ISSUED).certificate_id}), None)
    clean = [AuditedAd(approved, open=False)] * (ads - errors - still_open)
    return [*clean, *[AuditedAd(approved, False, ("deceptive",))] * errors, *[AuditedAd(approved, open=True)] * still_open]


ISSUED = a_certificate()


def standing(
    audited: list[AuditedAd],
    day: int,
    *,
    made: Certificate = ISSUED,
    revoked_at: datetime | None = None,
    moved: dict[str, Moved] | None = None,
) -> CertificateStanding:
    told = {} if revoked_at is None else {made.certificate_id: revoked_at}
    (found,) = standings([made], audited, told, moved or {}, START + day * DAY, 7)
    return found


def clean(days: int, ads: int = 20) -> list[AuditedAd]:
    return [one for day in range(days) for one in of_day(day, ads)]


CASES = [
    ("nothing read", [], 3, Standing.CERTIFIED, "No audit of what it approves is settled yet."),
    ("clean audits", clean(10), 9, Standing.CERTIFIED, "The audits agree: 0 of 200 audited ads violate, at most 2 % may."),
    ("more than promised, less than doubt", [*clean(5), *of_day(5, 20, 3)], 5, Standing.CERTIFIED, "The audits do not settle it: 3 of 120"),
    ("errors", [*clean(7), *of_day(7, 20, 4)], 7, Standing.DOUBTED, "The audits begin to speak against it: 4 of 160"),
    ("many errors", [*clean(7), *of_day(7, 20, 9)], 7, Standing.REVOKED, "The audits spoke against it, and it is revoked: people decide."),
    ("clean until near its end", clean(70), 69, Standing.RENEWED, "The audits show the promise again: 0 of"),
    ("its end", clean(10), 90, Standing.EXPIRED, "Its end has come."),
]


@pytest.mark.parametrize(("audited", "day", "expected", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_certificate_stands_as_its_audits_say_and_says_so_in_words(
    audited: list[AuditedAd], day: int, expected: Standing, says: str
) -> None:
    found = standing(audited, day)
    assert found.standing is expected
    assert found.sentence.startswith(says)


def test_audits_that_show_it_again_move_its_end_by_its_validity_and_what_is_on_record_stays() -> None:
    before = standing(clean(70), 60)
    assert (before.ends_at, before.on_record) == (ISSUED.expires_at, True)
    renewed = standing(clean(70), 69)
    assert (renewed.standing, renewed.on_record) == (Standing.RENEWED, False)
    assert timedelta(days=150) < renewed.ends_at - ISSUED.solved_at < timedelta(days=155)
    assert f"It holds until {renewed.ends_at:%Y-%m-%d}." in renewed.sentence
    recorded = {ISSUED.certificate_id: Moved(Standing.RENEWED, renewed.ends_at)}
    assert standing(clean(70), 69, moved=recorded).on_record
    assert standing(clean(70), 100, moved=recorded).standing is Standing.RENEWED
    erased = standing(clean(10), 100, moved=recorded)  # the audits that showed it are gone: it was shown all the same
    assert (erased.ends_at, standing(clean(10), 100).standing) == (renewed.ends_at, Standing.EXPIRED)
    assert standing(clean(70), 160, moved=recorded).standing is Standing.EXPIRED


def test_what_is_provisional_is_shown_by_its_audits_or_revoked_by_them() -> None:
    made = a_certificate(shown=False)
    shown = standing([one for day in range(40) for one in of_day(day, 20, made=made)], 39, made=made)
    assert (shown.standing, shown.provisional) == (Standing.CERTIFIED, True)
    assert "Certify again (adverdict policy solve)" in shown.sentence
    assert standing(of_day(0, 20, 9, made=made), 0, made=made).standing is Standing.REVOKED


def test_it_stands_so_from_the_day_it_moved() -> None:
    doubted = standing([*clean(7), *of_day(7, 20, 4)], 7)
    assert doubted.since == datetime(2026, 3, 8, tzinfo=UTC)
    assert standing(clean(7), 7).since == ISSUED.solved_at


def test_days_with_audits_still_to_be_read_are_not_counted_yet() -> None:
    found = standing([*clean(3), *of_day(3, 20, 9, still_open=1)], 5)
    assert (found.standing, found.audited, found.errors, found.open, found.until) == (
        Standing.CERTIFIED, 60, 0, 1, day_of(START) + 2 * DAY,
    )  # fmt: skip


def test_evidence_stays_that_of_the_day_it_was_revoked() -> None:
    audited = [*clean(7), *of_day(7, 20, 9), *of_day(8, 20)]
    assert standing(audited, 20).evidence_against == standing(audited, 7).evidence_against >= 20
    assert standing(audited, 20).errors == 9


def test_who_approves_nothing_or_promises_nothing_is_not_watched() -> None:
    made = [a_certificate(below=0.0), a_certificate(limit=0.0)]
    assert standings(made, [], {}, {}, START, 0) == []


def test_raising_the_audits_for_a_while_changes_how_much_each_says_and_not_what_is_counted() -> None:
    usual = standing([*of_day(0, 20, inclusion=0.1), *of_day(1, 20, inclusion=0.1)], 1)
    raised = standing([*of_day(0, 20, inclusion=0.1), *of_day(1, 20, inclusion=0.3)], 1)
    assert 1 < raised.evidence_for < usual.evidence_for
    assert raised.audited == usual.audited == 40


@pytest.fixture
def staffed(desk: Desk) -> Desk:
    desk.staff(*(Reviewer(name) for name in ("rita", "sven", "tove")))
    return desk


def submit(desk: Desk, made: Certificate, ads: int) -> list[Decision]:
    """So many ads of low risk, decided by the certificate as everything on record has it."""
    steering, solved = steering_now(desk.ledger), thresholds([made])
    decided = []
    for _ in range(ads):
        desk.decided += 1
        ad = an_ad(desk.decided, advertiser_id=f"adv-{desk.decided}", submitted_at=desk.clock())
        context = DecisionContext(f"dec-{desk.decided:032x}", desk.clock(), "v1", steering=steering)
        decision = decide(ad, {"deceptive": RiskScore(policy="deceptive", p=0.01, p_low=0.01, p_high=0.01)}, BOOK, solved, context=context)
        desk.append(DecisionMade(ad=ad, decision=decision, first=True))
        decided.append(decision)
    return decided


def read(desk: Desk, ads: int, violating: int = 0) -> None:
    """The audits of so many ads, the last ``violating`` of which three people find to violate."""
    for number in range(ads):
        wrong = number >= ads - violating
        for reader in ("rita", "sven", "tove") if wrong else ("rita",):
            desk.say(reader, "reject" if wrong else "approve")


def on_record(desk: Desk) -> list[CertificateRevoked]:
    return [one.body for one in desk.ledger.read(kinds=["revocation"]) if isinstance(one.body, CertificateRevoked)]


def moved_on_record(desk: Desk) -> list[CertificateMoved]:
    return [one.body for one in desk.ledger.read(kinds=["standing"]) if isinstance(one.body, CertificateMoved)]


def test_a_whole_life(staffed: Desk) -> None:
    """Issued, audited, in drift, revoked, solved again, in force again."""
    desk, first, log = staffed, a_certificate(), AuditLog()
    for _ in range(3):
        assert {one.verdict for one in submit(desk, first, 6)} == {Verdict.APPROVE}
        read(desk, 6)
        desk.clock.on(86_400)
    (agreed,) = watch(desk.ledger, [first], log, desk.clock)
    assert (agreed.standing, agreed.audited, agreed.errors, on_record(desk)) == (Standing.CERTIFIED, 18, 0, [])

    submit(desk, first, 8)
    read(desk, 8, violating=6)
    (fallen,) = watch(desk.ledger, [first], log, desk.clock)
    (entry,) = on_record(desk)
    assert fallen.standing is Standing.REVOKED
    assert (entry.certificate_id, entry.by) == (first.certificate_id, "audits")
    assert entry.why == "the audits speak against it: of 26 audited ads that it approved 6 violate, and at most 2 % may"
    assert entry.evidence | {"against": 0, "for": 0} == {
        "against": 0, "for": 0, "limit": 0.02, "audited": 26, "errors": 6, "open": 0, "until": "2026-03-04", "as_of_seq": fallen.seq,
    }  # fmt: skip
    assert entry.evidence["against"] == fallen.evidence_against
    assert fallen.evidence_against >= 20

    (left,) = submit(desk, first, 1)
    assert (left.verdict, left.degraded, left.policies[0].standing) == (
        Verdict.REVIEW, ("certificate_revoked:deceptive",), Standing.REVOKED,
    )  # fmt: skip
    assert "label a sample (adverdict policy sample), then adverdict policy solve" in left.policies[0].because

    desk.clock.on(86_400)
    again = a_certificate(desk.clock())
    assert {one.verdict for one in submit(desk, again, 2)} == {Verdict.APPROVE}
    (stands,) = watch(desk.ledger, [again], log, desk.clock)
    assert (stands.standing, len(on_record(desk))) == (Standing.CERTIFIED, 1)


def test_doubt_is_on_record_once_raises_the_audits_and_is_taken_back(staffed: Desk) -> None:
    desk, made, log = staffed, a_certificate(), AuditLog()
    submit(desk, made, 20)
    read(desk, 20, violating=4)
    assert {one.standing for _ in "ab" for one in watch(desk.ledger, [made], log, desk.clock)} == {Standing.DOUBTED}
    assert [(one.standing, one.until) for one in moved_on_record(desk)] == [(Standing.DOUBTED, made.expires_at)]
    (decision,) = submit(desk, made, 1)
    assert decision.policies[0].standing is Standing.DOUBTED
    read(desk, 1)
    desk.clock.on(86_400)
    submit(desk, made, 60)
    read(desk, 60)
    watch(desk.ledger, [made], log, desk.clock)
    assert [one.standing for one in moved_on_record(desk)] == [Standing.DOUBTED, Standing.CERTIFIED]
    (calm,) = submit(desk, made, 1)
    assert calm.policies[0].standing is Standing.CERTIFIED


def test_looking_again_and_by_another_worker_revokes_nothing_twice(staffed: Desk) -> None:
    desk, made = staffed, a_certificate()
    submit(desk, made, 5)
    read(desk, 5, violating=5)
    told = [look(desk.ledger, [made], AuditLog(), desk.clock)[0], *(watch(desk.ledger, [made], AuditLog(), desk.clock)[0] for _ in "ab")]
    assert [one.standing for one in told] == [Standing.REVOKED] * 3
    assert [one.on_record for one in told] == [False, False, True]
    assert len(on_record(desk)) == 1


def test_an_ad_counts_when_the_last_of_its_readers_has_answered(staffed: Desk) -> None:
    desk, made, log = staffed, a_certificate(), AuditLog()
    submit(desk, made, 1)
    found = []
    for reader in ("rita", "sven", "tove"):
        desk.say(reader, "reject")
        (now,) = look(desk.ledger, [made], log, desk.clock)
        found.append((now.audited, now.errors, now.open))
    assert found == [(0, 0, 1), (0, 0, 1), (1, 1, 0)]


def test_what_two_of_three_clear_and_what_breaks_another_policy_is_no_error(staffed: Desk) -> None:
    desk, made = staffed, a_certificate()
    submit(desk, made, 1)
    for reader, verdict in (("rita", "reject"), ("sven", "approve"), ("tove", "approve")):
        desk.say(reader, verdict)
    (now,) = look(desk.ledger, [made], AuditLog(), desk.clock)
    assert (now.audited, now.errors) == (1, 0)


def test_a_revocation_by_hand_stands_whatever_the_audits_say(staffed: Desk) -> None:
    desk, made = staffed, a_certificate()
    with desk.ledger.write() as writing:
        revoke(writing, made.certificate_id, "the model is wrong", "rita", desk.clock())
    (now,) = watch(desk.ledger, [made], AuditLog(), desk.clock)
    assert (now.standing, now.since, len(on_record(desk))) == (Standing.REVOKED, desk.clock(), 1)
