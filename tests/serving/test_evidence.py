"""One worker at a time watches the certificates in service, and tells how they stand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from adverdict.certification.certificate import Issued
from adverdict.domain.standing import Standing
from adverdict.ledger.store import Ledger
from adverdict.review.quality.standing import CertificateStanding
from adverdict.serving.worker.metrics import Metrics
from adverdict.serving.worker.watches.evidence import HELD, EvidenceWatch
from tests.decisions.build import POLICY, book
from tests.ledger.made import START
from tests.review.certificates import a_certificate
from tests.review.desk import Clock, Desk
from tests.review.test_standing import read, staffed, submit
from tests.scoring.fakes import FakeRegistry
from tests.serving.conftest import Serve, until
from tests.serving.test_metrics import key, samples

__all__ = ["staffed"]


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


class Told:
    """What one worker's watch told, look by look."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.looks: list[list[Standing]] = []
        self.watch = EvidenceWatch(ledger, lambda: (a_certificate(),), self._hear, clock)

    def _hear(self, found: Sequence[CertificateStanding]) -> None:
        self.looks.append([one.standing for one in found])


def test_the_worker_that_came_first_watches_until_it_has_been_gone_for_a_while(ledger: Ledger) -> None:
    clock = Clock()
    first, second = Told(ledger, clock), Told(ledger, clock)
    assert [first.watch.look(), second.watch.look(), first.watch.look()] == [True, False, True]
    clock.now += HELD
    assert [second.watch.look(), first.watch.look()] == [True, False]
    assert (first.looks, second.looks) == ([[Standing.CERTIFIED]] * 2, [[Standing.CERTIFIED]])


def test_what_the_audits_speak_against_is_revoked_at_the_next_look(staffed: Desk) -> None:
    submit(staffed, a_certificate(), 4)
    told = Told(staffed.ledger, staffed.clock)
    told.watch.look()
    read(staffed, 4, violating=4)
    told.watch.look()
    assert told.looks == [[Standing.CERTIFIED], [Standing.REVOKED]]
    assert len(list(staffed.ledger.read(kinds=["revocation"]))) == 1


def test_the_certificates_in_service_are_watched_and_their_evidence_is_measured(serve: Serve, registry: FakeRegistry) -> None:
    issued = a_certificate(START, days=3650)
    registry.certified["1"] = Issued((issued,)).to_json()
    with serve() as client:
        from adverdict.serving.service import slot  # its libraries warn when they are imported

        runtime = slot.runtime
        assert runtime is not None
        evidence = next(one for one in runtime.watches if isinstance(one, EvidenceWatch))
        until(lambda: runtime.champion.certificates() == (issued,))
        assert evidence.look()
        measured = samples(client.get("/metrics").text)
    assert measured[key("certificate_evidence", certificate=issued.certificate_id, side="for")] == pytest.approx(1)
    assert 0 < measured[key("certificate_evidence", certificate=issued.certificate_id, side="against")] < 1


def test_what_is_watched_no_more_has_no_evidence(ledger: Ledger) -> None:
    metrics, made = Metrics(book([POLICY])), a_certificate()
    EvidenceWatch(ledger, lambda: (made,), metrics.watched, Clock()).look()
    metrics.watched([])
    measured = samples(metrics.render().decode())
    assert [measured[key("certificate_evidence", certificate=made.certificate_id, side=side)] for side in ("for", "against")] == [0, 0]
