"""A small marketplace that was decided, reviewed, audited and appealed about, written straight into a ledger."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import PolicyBook, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Audit, Decision, Reason
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.features.history.state import HistoryState
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.review.cases.answers import Answer
from adverdict.review.cases.appeals import appeal
from adverdict.review.queue import LeasedTask, Queue
from adverdict.review.tasks import golden
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.routing import Reviewer, register
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.scorer import Scorer
from adverdict.serving.console.parts import Parts
from adverdict.serving.worker.champion import Champion, LoadedModel, ServingState
from tests.ledger.keyed import with_known_key

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
POLICIES = ("deceptive", "gambling", "kids_unsuitable", "political_issue", "counterfeit", "weapons", "adult", "phishing")
SETTINGS = ReviewSettings(double_share=0.25, golden_share=0.15)

WORDS: dict[str, dict[str, float]] = {
    "deceptive": {"guaranteed": 3.2, "risk-free": 2.4, "miracle": 3.4, "secret": 1.3, "double": 1.6, "today": 0.5, "doctors hate": 3.0},
    "gambling": {"casino": 4.2, "free spins": 3.3, "jackpot": 2.6, "bet": 2.4, "odds": 1.4},
    "counterfeit": {"replica": 4.6, "like the original": 2.6, "designer": 1.5, "mirror": 2.2},
    "phishing": {"verify your account": 5.0, "password": 3.2, "suspended": 2.0},
    "adult": {"hot singles": 5.0, "tonight": 0.6},
    "weapons": {"hunting rifle": 5.2, "ammunition": 4.2, "knife": 2.0},
}
"""What the pretended model reads: words with their log-odds."""
TRULY = {"deceptive": 4.0, "gambling": 3.4, "counterfeit": 3.5, "phishing": 4.0, "adult": 4.0, "weapons": 4.0}
"""From so much on, an ad is truly violating."""

ADS = """
Walking shoes for wet autumns
Waterproof, resoled for life. Free returns within 60 days.
Shop now | nordvandra.example | feed | image | fashion

Double your savings in 7 days
Guaranteed returns, risk-free. Our secret method pays from today.
Start now | quick-returns.example | feed | image | finance

200 free spins at Aurora Casino
Jackpot nights all week. Bet from 1 euro, odds paid out at once.
Play | aurora-casino.example | search | text | games

Designer bags, replica AAA
Like the original, mirror quality, shipped in plain boxes.
See bags | bag-outlet.example | feed | carousel | fashion

Your parcel is waiting
Your account is suspended. Verify your account with your password to have it delivered.
Verify | parcel-desk.example | search | text | services

Learn Spanish on the bus
Ten minutes a day, teachers from five countries.
Try a lesson | parlo.example | feed | video | education

Kitchen knife sharpening, by post
Send your knife on Monday, have it back sharp on Thursday.
Book | sharp-post.example | search | text | home

Miracle cream doctors hate
Wrinkles gone by tomorrow, guaranteed. The secret of the stars.
Order | glow-lab.example | feed | image | health

Odds and tips for Saturday
Our experts call the matches. Tips only, no bet is placed here.
Read | matchday.example | feed | image | sports

Electric bikes, tested in snow
Batteries that last the winter. Double the usual guarantee, five years.
Find a shop | isvelo.example | feed | video | transport

Hot singles near you tonight
No sign-up, no questions.
Meet | near-you.example | feed | image | dating

Pension advice without commission
An hour with an adviser, at a fixed price. Not risk-free, as no investment is.
Book | klarpension.example | search | text | finance

Designer lamps, last season
Original pieces from the shows, with papers.
Browse | lampa.example | feed | carousel | home

The mirror that lights your face
Soft light from both sides, made in Småland.
See it | ljusspegel.example | feed | image | home
"""
"""Title, body, then call to action, domain, surface, format and category."""

TEXTS = [(*lines[:2], *lines[2].split(" | ")) for lines in (ad.splitlines() for ad in ADS.strip().split("\n\n"))]


@dataclass(frozen=True)
class WordModel:
    """Risk from words alone. ``noise`` moves an ad's log-odds by as much, by its id, so that risks spread."""

    solved: SolvedThresholds
    version: str = "b3-20261012"
    policies: tuple[str, ...] = POLICIES
    snapshot: bytes | None = None

    def score(self, ads: Sequence[Ad], history: HistoryState | None = None) -> WordRisks:
        return WordRisks(ads)


@dataclass(frozen=True)
class WordRisks:
    ads: Sequence[Ad]

    def risks(self, ad: int) -> dict[str, RiskScore]:
        found = {}
        for policy in POLICIES:
            noise = random.Random(f"{self.ads[ad].ad_id}{policy}").gauss(0, 1.1)
            z = -4.6 + sum(effect for _, effect in _found(self.ads[ad], policy)) + noise
            p, low, high = (1 / (1 + math.exp(-at)) for at in (z, z - 0.5, z + 0.45))
            found[policy] = RiskScore(policy=policy, p=p, p_low=low, p_high=high)
        return found

    def familiarity(self, ad: int) -> None:
        return None

    def reasons(self, ad: int, policies: Sequence[str]) -> tuple[Reason, ...]:
        one = self.ads[ad]
        told: list[Reason] = []
        for policy in policies:
            told += [
                Reason(policy=policy, kind="phrase", signal=word, text=f'the text says "{word}"', effect=effect)
                for word, effect in sorted(_found(one, policy), key=lambda pair: -pair[1])
            ]
            fact = ("advertiser_verified", "the advertiser is verified", -0.7)
            if not one.advertiser_verified:
                fact = ("advertiser_age_days", "the advertiser's account is 9 days old", 0.8)
            told.append(Reason(policy=policy, kind="fact", signal=fact[0], text=fact[1], effect=fact[2]))
        return tuple(told)


@dataclass
class World:
    """What ``fill`` made, and the parts to serve it with."""

    parts: Parts
    decisions: list[DecisionMade] = field(default_factory=list)

    @property
    def first_rejected(self) -> str:
        return next(one.decision.decision_id for one in self.decisions if one.decision.verdict is Verdict.REJECT)


def _found(ad: Ad, policy: str) -> list[tuple[str, float]]:
    text = f"{ad.title} {ad.body}".lower()
    return [(word, effect) for word, effect in WORDS.get(policy, {}).items() if word in text]


def violated(ad: Ad, asked: Sequence[str] = POLICIES) -> tuple[str, ...]:
    """The truth."""
    return tuple(policy for policy in asked if policy in WORDS and sum(effect for _, effect in _found(ad, policy)) >= TRULY[policy])


def an_ad(number: int, at: datetime, rng: random.Random) -> Ad:
    text = TEXTS[number % len(TEXTS)] if number < len(TEXTS) else rng.choice(TEXTS)
    title, body, call, domain, surface, form, category = text
    honest = not violated(Ad(ad_id="x", advertiser_id="x", market="SE", submitted_at=at, title=title, body=body))
    sizes: dict[str, Any] = {"image": (1200, 628), "carousel": (1080, 1080), "video": (1920, 1080)}
    width, height = sizes.get(form, (None, None))
    return Ad(
        ad_id=f"ad-{5000 + number}",
        advertiser_id=f"adv-{TEXTS.index(text) // 2 + 70}",
        market=rng.choice(("SE", "SE", "GB", "DE", "US")),
        submitted_at=at,
        creative_id=f"cr-{TEXTS.index(text)}-{number % 3}",
        language="en",
        surface=surface,
        title=title,
        body=body,
        call_to_action=call,
        keywords=title.lower().split()[:4] if surface == "search" else None,
        landing_domain=domain,
        creative_format=form,
        creative_category=category,
        creative_width=width,
        creative_height=height,
        creative_duration_s=15.0 if form == "video" else None,
        creative_n_images=4 if form == "carousel" else None,
        creative_ocr_text=f"{title.split(',')[0].upper()}" if form == "image" else None,
        impressions=float(rng.choice((2_000, 20_000, 150_000))),
        advertiser_created_at=at - timedelta(days=900 if honest else 9),
        advertiser_verified=honest,
        advertiser_licences=(),
    )


def solved(book: PolicyBook, now: datetime) -> SolvedThresholds:
    """The same thresholds for every target, certified; one certificate has expired and one ends soon."""
    points = {}
    for _, _, policy in book.every():
        ends = {"adult": -2, "phishing": 3}.get(policy.name, 60)
        key = SolvedFor(policy.name, POOLED, policy.targets)
        points[key] = Thresholds(0.06, 0.82, f"crt-{abs(hash_of(str(key))) % 16**8:08x}", now + timedelta(days=ends))
    return SolvedThresholds(points)


def hash_of(text: str) -> int:
    return random.Random(text).getrandbits(32)


class Clock:
    """Stands still unless it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def champion(book: PolicyBook, now: datetime, folder: Path) -> Champion:
    """One that is in service and follows nothing."""
    made = Champion("models:/adverdict@champion", None, lambda _: Scorer(None, book), folder, fallback=Scorer(None, book))  # type: ignore[arg-type]
    scorer = Scorer(WordModel(solved(book, now)), book, clock=lambda: now)
    loaded = LoadedModel(scorer, "models:/adverdict/3", now - timedelta(days=6), certificates="c" * 64)
    made.state = ServingState(loaded, checked_at=now, swaps=1)
    return made


def fill(
    ledger: Ledger, book: PolicyBook, folder: Path, decisions: int = 60, *, answered: float = 0.75, now: datetime = NOW, **parts: Any
) -> World:
    """``answered``: share of the time during which reviewers were at work; ``parts``: those of ``Parts`` that are not the usual."""
    rng = random.Random(7)
    with_known_key(ledger)
    clock = Clock(now - timedelta(days=12))
    queue = Queue(ledger, book, SETTINGS, clock)
    world = World(made_parts(ledger, book, folder, now, **parts))
    scorer = world.parts.champion.current()[0]
    with ledger.change() as connection:
        register(connection, Reviewer("sen", senior=True))
        golden.keep(connection, [_known(number, clock.now) for number in range(12)])
    step = timedelta(days=11.8) / decisions
    for number in range(decisions):
        clock.now = max(clock.now, now - timedelta(days=12) + number * step)
        ad = an_ad(number, clock.now - timedelta(seconds=4), rng)
        decision = decided(ad, scorer, book, clock.now, f"dec-{hash_of(ad.ad_id):032x}", rng)
        made = DecisionMade(ad=ad, decision=decision, first=True)
        with ledger.write() as writing:
            writing.append(decision.decision_id, made, clock.now)
            open_tasks(writing, [made], book, SETTINGS, clock.now)
        world.decisions.append(made)
        if number < answered * decisions:
            for reviewer in ("ana", "bo", "cy", "sen"):
                _work(queue, ledger, reviewer, clock, rng)
    _appeals(ledger, book, world, queue, clock, rng)
    return world


def made_parts(ledger: Ledger, book: PolicyBook, folder: Path, now: datetime = NOW, **parts: Any) -> Parts:
    clock = parts.get("clock") or (lambda: now)
    usual = {"queue": Queue(ledger, book, SETTINGS, clock), "champion": champion(book, now, folder), "clock": clock}
    return Parts(**{"ledger": ledger, "policies": book, **usual, **parts})


def _known(number: int, at: datetime) -> golden.GoldenItem:
    ad = an_ad(100_000 + number, at, random.Random(number))
    return golden.GoldenItem(f"gld-{number:032x}", ad, {policy: policy in violated(ad) for policy in POLICIES})


def decided(ad: Ad, scorer: Scorer, book: PolicyBook, at: datetime, decision_id: str, rng: random.Random) -> Decision:
    """As the service decides, except that a third of the automatic decisions are audited: a small world has to show some."""
    assert scorer.model is not None
    scored = scorer.model.score([ad])
    context = DecisionContext(decision_id, at, scorer.model.version)
    decision = decide(ad, scored.risks(0), book, scorer.solved, context=context)
    against = tuple(one.policy for one in decision.policies if one.verdict is not Verdict.APPROVE)
    audit = None if decision.verdict is Verdict.REVIEW else Audit(probability=0.33, chosen=rng.random() < 0.33)
    return decision.model_copy(update={"reasons": scored.reasons(0, against or ("deceptive",)), "audit": audit})


def _work(queue: Queue, ledger: Ledger, reviewer: str, clock: Clock, rng: random.Random) -> None:
    leased = queue.claim(reviewer)
    if leased is not None:
        clock.now += timedelta(seconds=rng.uniform(15, 70))
        queue.answer(leased.task.task_id, reviewer, leased.token, _answer(ledger, leased, rng))


def _answer(ledger: Ledger, leased: LeasedTask, rng: random.Random) -> Answer:
    """Right nine times in ten."""
    task = leased.task
    with ledger.look() as connection:
        if task.kind == "golden":
            ad = golden.item(connection, task.about).ad
        else:
            body = ledger.find(task.about).body
            assert isinstance(body, DecisionMade)
            ad = body.ad
    found = violated(ad, task.policies)
    if rng.random() < 0.1:
        found = () if found else task.policies[:1]
    if rng.random() < 0.06 and not task.senior:
        return Answer("escalate", reason="The terms on the landing page need a second pair of eyes.", seconds=rng.uniform(20, 60))
    seconds = round(rng.lognormvariate(3.4, 0.5), 1)
    if not found:
        return Answer("approve", seconds=seconds)
    return Answer("reject", found, severity="moderate", reason="Says so in the headline.", seconds=seconds)


def _appeals(ledger: Ledger, book: PolicyBook, world: World, queue: Queue, clock: Clock, rng: random.Random) -> None:
    rejected = [one for one in world.decisions if one.decision.verdict is Verdict.REJECT]
    for i, one in enumerate(rejected[:4]):
        clock.now += timedelta(minutes=3)
        statement = "We sell refurbished originals, with the makers' papers. Nothing here is a copy."
        appeal(ledger, one.decision.decision_id, statement, "platform", book=book, settings=SETTINGS, now=clock.now)
        if i < 2:
            for reviewer in ("ana", "sen"):
                _work(queue, ledger, reviewer, clock, rng)
