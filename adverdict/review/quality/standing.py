"""How certificates stand, by the audits of the ads they approve. Plain values in and out: ``review.quality.watching`` reads the ledger.

Of each certificate those ads count that were approved automatically, each version once, while it stood under the policy's verdict. They are
drawn with a recorded probability (``decisions.audit``) and read until their answers are settled (``review.cases.settling``): an ad is an
error if people found in the end that it violates the policy. ``certification.life`` says what the daily counts come to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from adverdict.certification.certificate import Certificate, thresholds
from adverdict.certification.life import Audits, DayEnd, Terms, life
from adverdict.certification.words import Side
from adverdict.decisions.steering import Moved
from adverdict.domain.formats import percent
from adverdict.domain.standing import Standing

NEXT_STEP = "Label a sample (adverdict policy sample), then certify again (adverdict policy solve)"


@dataclass(frozen=True, slots=True)
class Approved:
    """A decision that approved an ad automatically and was drawn for the audit."""

    on: date
    """In UTC."""
    inclusion: float
    certificates: frozenset[str]
    """Those under its policies' verdicts."""
    step: str | None
    """The rescoring step that recorded it."""


@dataclass(frozen=True, slots=True)
class AuditedAd:
    """The same with what people have said up to now."""

    approved: Approved
    open: bool
    """Whether somebody is still to read it."""
    violated: tuple[str, ...] = ()
    """By the settled answers."""


@dataclass(frozen=True)
class CertificateStanding:
    """How one certificate stands, and why."""

    certificate_id: str
    policy: str
    markets: tuple[str, ...]
    standing: Standing
    since: datetime
    """From when on it stands so; UTC."""
    evidence_for: float
    """Of fewer violating ads than ``limit`` among those it approves; ``shown_at`` shows it."""
    evidence_against: float
    """Of more; ``revoked_at`` revokes it."""
    limit: float
    """The largest share of violating ads it promises, lowered for those that readers miss."""
    level: float
    """The chance at which evidence for shows it: at ``1 / level``."""
    audited: int
    """Of the ads it approved, on the days up to ``until``."""
    errors: int
    open: int
    """Still to be read, on these days and after."""
    until: date | None
    """The last day whose audits are settled; None: there is none yet."""
    seq: int
    """The last entry of the ledger that it is computed from."""
    provisional: bool
    """Whether it was issued without everything being shown."""
    on_record: bool
    """Whether the ledger says that it stands so."""
    ends_at: datetime
    """The end of its validity, which audits move; UTC."""

    @property
    def revoked_at(self) -> float:
        """The evidence against that revokes it."""
        return 1 / Terms.alpha

    @property
    def shown_at(self) -> float:
        """The evidence for that shows its promise again."""
        return 1 / self.level

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        times = {
            "since": self.since.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "ends_at": self.ends_at.isoformat(),
        }
        return {**asdict(self), **times, "sentence": self.sentence}

    @property
    def sentence(self) -> str:
        """In words, the figures after them."""
        counted = f"{self.errors:,} of {self.audited:,} audited ads violate, at most {percent(self.limit)} may"
        match self.standing:
            case Standing.REVOKED:
                return f"The audits spoke against it, and it is revoked: people decide. {NEXT_STEP}."
            case Standing.EXPIRED:
                return "Its end has come. Certify again: adverdict policy solve."
            case Standing.DOUBTED:
                return f"The audits begin to speak against it: {counted}."
            case _ if not self.audited:
                return "No audit of what it approves is settled yet."
            case Standing.RENEWED:
                return f"The audits show the promise again: {counted}. It holds until {self.ends_at:%Y-%m-%d}."
            case Standing.CERTIFIED if self.provisional:
                return f"The audits show what it could not promise yet: {counted}. Certify again (adverdict policy solve) to rely on it."
            case Standing.CERTIFIED | Standing.PROVISIONAL if self.errors > self.limit * self.audited:
                return f"The audits do not settle it: {counted}."
            case _:
                return f"The audits agree: {counted}."


def standings(
    certificates: Sequence[Certificate],
    audited: Iterable[AuditedAd],
    revoked: Mapping[str, datetime],
    moved: Mapping[str, Moved],
    moment: datetime,
    seq: int,
) -> list[CertificateStanding]:
    """How the certificates that approve anything stand at ``moment``, in their order.

    ``revoked``: by id, when that was put on record; ``moved``: what was of the others.
    """
    by_certificate: dict[str, list[AuditedAd]] = {}
    for ad in audited:
        for name in ad.approved.certificates:
            by_certificate.setdefault(name, []).append(ad)
    found = []
    for one in certificates:
        own = by_certificate.get(one.certificate_id, [])
        terms = _terms(one, own)
        if terms is not None:
            found.append(_standing(one, terms, own, revoked.get(one.certificate_id), moved.get(one.certificate_id), moment, seq))
    return found


def _standing(
    one: Certificate,
    terms: Terms,
    own: Sequence[AuditedAd],
    revoked_at: datetime | None,
    recorded: Moved | None,
    moment: datetime,
    seq: int,
) -> CertificateStanding:
    first = day_of(one.solved_at)
    last = min(day_of(moment), day_of(one.expires_at)) if terms.provisional else day_of(moment)
    counts = _counts(one, own, first)
    begins = Standing.PROVISIONAL if terms.provisional else Standing.CERTIFIED
    days = life(counts, [], terms, max(0, (last - first).days + 1), begins)
    revoking = (day for day in days if day.standing is Standing.REVOKED)
    end = next(revoking, days[-1] if days else DayEnd(-1, begins, 1.0, 1.0))
    known = recorded or Moved(Standing.CERTIFIED, one.expires_at)
    ends_at = _end(one, days, terms, known)
    standing, since = _now(one, days, end, revoked_at, Moved(known.standing, ends_at), moment)
    settled = [count for count in counts if count.day <= end.day]
    return CertificateStanding(
        certificate_id=one.certificate_id,
        policy=one.policy,
        markets=one.served or tuple(market.market for market in one.markets if not market.lends),
        standing=standing,
        since=since,
        evidence_for=end.evidence_for,
        evidence_against=end.evidence_against,
        limit=terms.limit,
        level=terms.level,
        audited=sum(count.audited - count.open for count in settled),
        errors=sum(count.errors for count in settled),
        open=sum(count.open for count in counts),
        until=first + timedelta(days=end.day) if days else None,
        seq=seq,
        provisional=terms.provisional,
        on_record=revoked_at is not None if standing is Standing.REVOKED else known == (standing, ends_at),
        ends_at=ends_at,
    )


def _end(one: Certificate, days: Sequence[DayEnd], terms: Terms, known: Moved) -> datetime:
    """Until when it is valid: audits that show it again begin a new spell of as many days. What was put on record stays so."""
    renewed = max((day.spell for day in days if day.standing.holds and not terms.provisional), default=0)
    return max(known.until, _midnight(one, renewed + terms.valid_days)) if renewed else known.until


def _midnight(one: Certificate, day: int) -> datetime:
    """With which a day of its life begins."""
    return datetime.combine(day_of(one.solved_at) + timedelta(days=day), datetime.min.time(), UTC)


def _now(
    one: Certificate, days: Sequence[DayEnd], end: DayEnd, revoked_at: datetime | None, known: Moved, moment: datetime
) -> tuple[Standing, datetime]:
    """How it stands, and since when: what is on record goes before what the audits say, and a revocation before the end.

    ``known``: how it stands on record, and its end. Renewed on record it stays so, though audits that showed it were erased meanwhile.
    """
    if revoked_at is not None:
        return Standing.REVOKED, revoked_at
    moved = next((day.day for day in reversed(days) if day.standing is not end.standing), -1) + 1
    if known.until <= moment and end.standing is not Standing.REVOKED:
        return Standing.EXPIRED, known.until
    standing = known.standing if end.standing is Standing.NONE else end.standing
    return standing, max(one.solved_at, _midnight(one, moved))


def _terms(one: Certificate, own: Iterable[AuditedAd]) -> Terms | None:
    """What is promised of the ads it approves; None: it approves none, or promises nothing that audits could speak against.

    The smallest probability on record is the floor: no probability depends on what an ad is.
    """
    bound, decides = one.bound(Side.APPROVE), _in_use(one)
    if bound is None or decides is None or not 0 < bound.limit < 1:
        return None
    valid = max(1, (day_of(one.expires_at) - day_of(one.solved_at)).days + 1)
    return Terms(
        limit=bound.limit,
        level=bound.level,
        valid_days=valid,
        renewable_days=min(Terms.renewable_days, valid),
        provisional=decides,
        floor=min((ad.approved.inclusion for ad in own), default=1.0),
    )


def _in_use(one: Certificate) -> bool | None:
    """Whether what it approves is approved provisionally; None: it approves nothing."""
    used = [point for point in thresholds([one]).points.values() if point.approve_below > 0]
    return all(point.provisional for point in used) if used else None


def _counts(one: Certificate, own: Iterable[AuditedAd], first: date) -> list[Audits]:
    """By day and probability."""
    audited, errors, still_open = Counter[tuple[int, float]](), Counter[tuple[int, float]](), Counter[tuple[int, float]]()
    for ad in own:
        key = (max(0, (ad.approved.on - first).days), ad.approved.inclusion)
        audited[key] += 1
        errors[key] += one.policy in ad.violated
        still_open[key] += ad.open
    return [Audits(day, n, errors[day, q], still_open[day, q], q) for (day, q), n in sorted(audited.items())]


def day_of(moment: datetime) -> date:
    """In UTC."""
    return moment.astimezone(UTC).date()
