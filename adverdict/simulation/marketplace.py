"""The marketplace, block by block in the order of time. What is kept between blocks: advertisers and the waiting resubmissions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from adverdict.simulation import raters
from adverdict.simulation.advertisers import ADS_PER_ADVERTISER, Advertisers, found_advertisers
from adverdict.simulation.arrivals import Arrivals, Span
from adverdict.simulation.campaigns import Creatives, campaign_of, creative_of, describe
from adverdict.simulation.facts import CAUSE, Facts, facts_of
from adverdict.simulation.mix import Bools, Floats, Ints, Keys, weighted
from adverdict.simulation.resubmissions import SHARE, Platform, Rejections, Resubmissions, Returning, Submitted
from adverdict.simulation.truth import Circumstances, applicable, violations
from adverdict.simulation.wording import Texts, brand_domain, write_texts
from adverdict.simulation.world import DAY, DAYS, LAUNCH_DAY, MARKET_WEIGHTS, START, phase

_HOME_SHARE = 0.87
_EDIT_CHANCE = np.array([0.72, 0.84, 0.92, 0.97])


@dataclass(frozen=True, slots=True)
class Block:
    """A run of ads in order of submission, with everything there is to know about them."""

    first: int
    """Number of the block's first ad."""
    phase: int
    submitted_at: Ints
    ads: Submitted
    creatives: Creatives
    facts: Facts
    texts: Texts
    truth: Bools
    applicable: Bools
    verdicts: raters.Verdicts


class Marketplace:
    """A marketplace of ``ads`` ads. The same seed, number and days give the same blocks on every machine."""

    def __init__(self, seed: int, ads: int, each: float = ADS_PER_ADVERTISER, days: int = DAYS) -> None:
        """``each``: ads an advertiser has on average. ``days``: at least ``world.DAYS``."""
        self.seed = seed
        self.advertisers: Advertisers = found_advertisers(seed, ads, each, days)
        self.raters = raters.hire(seed)
        self.arrivals = Arrivals(seed, ads, days)

    def blocks(self, platform: Platform | None = None) -> Iterator[Block]:
        """Every ad once, oldest first. What is rejected may come back: by the ``platform``'s verdicts, or by those of simulated raters."""
        waiting = Resubmissions()
        for span in self.arrivals.spans():
            rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=(span.number,))))
            for one in platform.rejections() if platform else ():
                waiting.schedule(*_rejected_by(one), one.ads, rng)
            block = self._block(span, waiting, rng)
            if platform is None:
                waiting.schedule(*_rejected(block.verdicts, len(block.submitted_at)), block.ads, rng)
            yield block

    def _block(self, span: Span, waiting: Resubmissions, rng: np.random.Generator) -> Block:
        count = span.last - span.first
        submitted, hour = self.arrivals.times(span, rng.random(count))
        ads = self._submitted(span, waiting.take(int(submitted[0]), int(count * SHARE)), rng)
        who = self.advertisers
        creatives = describe(who, ads.advertiser, ads.campaign, ads.creative, ads.repaired)
        facts = facts_of(creatives, ads.edit)
        owns_brand = brand_domain(creatives, ads.intent)
        truth = self._truth(ads, creatives, facts, owns_brand)
        texts = write_texts(creatives, ads, who.owner[ads.advertiser], owns_brand, span.day)
        there = applicable(creatives.surface)
        work = raters.Work(truth, there, creatives.subject, creatives.stance, submitted, self.arrivals.spike[hour])
        verdicts = raters.judge(self.raters, work, rng)
        return Block(span.first, phase(span.day), submitted, ads, creatives, facts, texts, truth, there, verdicts)

    def _submitted(self, span: Span, returning: list[Returning], rng: np.random.Generator) -> Submitted:
        who, day, count = self.advertisers, span.day, span.last - span.first
        advertiser = who.draw(day, rng.random(count))
        market = _markets(who, advertiser, day, rng.random(count), rng.random(count))
        campaign = campaign_of(who.owner[advertiser], day)
        creative = creative_of(campaign, rng.random(count))
        edit = np.searchsorted(_EDIT_CHANCE, rng.random(count), side="right")
        places = np.sort(rng.permutation(count)[: len(returning)]).tolist()
        repaired, resubmitted = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
        origin = np.arange(span.first, span.last)
        for row, back in zip(places, returning, strict=True):
            if who.last_day[back.advertiser] < day:
                continue
            advertiser[row], market[row], edit[row] = back.advertiser, back.market, back.edit
            campaign[row], creative[row] = back.campaign, back.creative
            repaired[row], resubmitted[row], origin[row] = back.repaired, True, back.origin
        return Submitted(advertiser, who.intent[advertiser], market, campaign, creative, edit, repaired, resubmitted, origin)

    def _truth(self, ads: Submitted, creatives: Creatives, facts: Facts, owns_brand: Bools) -> Bools:
        return violations(
            Circumstances(
                creative=creatives.key,
                subject=creatives.subject,
                stance=creatives.stance,
                intent=ads.intent,
                market=ads.market,
                surface=creatives.surface,
                verified=self.advertisers.verified[ads.advertiser],
                brand_domain=owns_brand,
                cause=facts.category == CAUSE,
                made_for_kids=facts.made_for_kids,
            )
        )


def _markets(who: Advertisers, advertiser: Ints, day: int, u: Floats, v: Floats) -> Ints:
    """Mostly the advertiser's home; else any market that has been launched."""
    open_now = np.where(day >= LAUNCH_DAY, MARKET_WEIGHTS, 0.0)
    return np.where(u < _HOME_SHARE, who.home[advertiser], weighted(v, open_now))


def _rejected(verdicts: raters.Verdicts, count: int) -> tuple[Bools, Ints]:
    """Whether any rater found a violation, and when the last verdict came."""
    rejected = np.zeros(count, dtype=np.bool_)
    rejected[verdicts.ad[verdicts.violates]] = True
    last = np.full(count, START - DAY, dtype=np.int64)
    np.maximum.at(last, verdicts.ad, verdicts.at)
    return rejected, last


def _rejected_by(told: Rejections) -> tuple[Bools, Ints]:
    rejected, last = np.zeros(len(told.ads.edit), dtype=np.bool_), np.full(len(told.ads.edit), START - DAY, dtype=np.int64)
    rejected[told.rows], last[told.rows] = True, told.at
    return rejected, last


def advertiser_id(key: Keys) -> list[str]:
    return [f"adv-{value >> 24:010x}" for value in key.tolist()]
