"""A block as Arrow tables: ads and labels in the data contract; truth and handling times for those who may know."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from adverdict.simulation.facts import CATEGORIES, FORMATS, optional
from adverdict.simulation.marketplace import Block, Marketplace, advertiser_id
from adverdict.simulation.mix import Bools, Ints, below, mix, unit
from adverdict.simulation.raters import SEVERITIES, Raters
from adverdict.simulation.wording import text_key
from adverdict.simulation.world import MARKET_CODES, POLICIES, SURFACES, Intent, Stance

_TIME = pa.timestamp("us", tz="UTC")
ADS = pa.schema(
    [
        ("ad_id", pa.string()),
        ("advertiser_id", pa.string()),
        ("market", pa.string()),
        ("submitted_at", _TIME),
        ("creative_id", pa.string()),
        ("language", pa.string()),
        ("surface", pa.string()),
        ("title", pa.string()),
        ("body", pa.string()),
        ("call_to_action", pa.string()),
        ("keywords", pa.list_(pa.string())),
        ("landing_domain", pa.string()),
        ("creative_format", pa.string()),
        ("creative_category", pa.string()),
        ("creative_duration_s", pa.float64()),
        ("creative_width", pa.float64()),
        ("creative_height", pa.float64()),
        ("creative_n_images", pa.float64()),
        ("creative_made_for_kids", pa.bool_()),
        ("creative_skippable_share", pa.float64()),
        ("creative_ocr_text", pa.string()),
        ("creative_phash", pa.string()),
        ("impressions", pa.float64()),
        ("advertiser_created_at", _TIME),
        ("advertiser_verified", pa.bool_()),
    ]
)
LABELS = pa.schema(
    [
        ("ad_id", pa.string()),
        ("policy", pa.string()),
        ("violates", pa.bool_()),
        ("rater_id", pa.string()),
        ("severity", pa.string()),
        ("reason", pa.string()),
        ("source", pa.string()),
        ("labelled_at", _TIME),
    ]
)
TRUTH = pa.schema(
    [
        ("ad_id", pa.string()),
        ("policy", pa.string()),
        ("violates", pa.bool_()),
        ("intent", pa.string()),
        ("ring", pa.string()),
        ("subject", pa.string()),
        ("stance", pa.string()),
        ("obfuscation", pa.string()),
        ("resubmitted", pa.bool_()),
        ("edit", pa.int8()),
        ("phase", pa.int8()),
    ]
)
HANDLING = pa.schema([("ad_id", pa.string()), ("policy", pa.string()), ("rater_id", pa.string()), ("seconds", pa.int32())])
RATERS = pa.schema([("rater_id", pa.string()), ("sensitivity", pa.float64()), ("specificity", pa.float64()), ("pace", pa.float64())])

_REASONS = {policy: f"The ad breaks the rule on {policy.replace('_', ' ')}." for policy in POLICIES}


def ad_ids(block: Block) -> pa.Array:
    return pa.array([f"ad-{number:09d}" for number in range(block.first, block.first + len(block.submitted_at))], pa.string())


def ads_table(market: Marketplace, block: Block) -> pa.Table:
    ads, creatives, facts, texts = block.ads, block.creatives, block.facts, block.texts
    who, rows = market.advertisers, block.ads.advertiser
    key, _ = text_key(creatives.key, ads.market)
    version = mix(key, ads.edit, ads.repaired.astype(np.int64))
    told = unit(version, "language told") < 0.85
    columns: list[Any] = [
        ad_ids(block),
        advertiser_id(who.key[rows]),
        _named(MARKET_CODES, ads.market),
        _times(block.submitted_at),
        [f"cr-{value:016x}" for value in version.tolist()],
        [language if there else None for language, there in zip(texts.language, told.tolist(), strict=True)],
        _named(SURFACES, creatives.surface),
        texts.title,
        texts.body,
        texts.call,
        texts.keywords,
        texts.domain,
        _named(FORMATS, facts.format),
        _named(CATEGORIES, facts.category),
        _numbers(facts.duration),
        _numbers(facts.width),
        _numbers(facts.height),
        _numbers(facts.images),
        optional(facts.made_for_kids, facts.made_for_kids_known),
        _numbers(facts.skippable),
        texts.picture,
        [f"{value:016x}" for value in facts.phash.tolist()],
        _numbers(facts.impressions),
        _times(who.created_at[rows], unit(who.key[rows], "created told") < 0.96),
        who.verified[rows],
    ]
    return _table(ADS, columns)


def labels_table(block: Block, ids: pa.Array, rater_ids: list[str]) -> pa.Table:
    verdicts = block.verdicts
    told = verdicts.violates & (below(mix(verdicts.at, verdicts.rater), "reason", 10) < 4)
    reasons = np.where(told, verdicts.policy, -1)
    columns: list[Any] = [
        ids.take(pa.array(verdicts.ad)),
        _named(POLICIES, verdicts.policy),
        verdicts.violates,
        _named(rater_ids, verdicts.rater),
        _named(SEVERITIES, verdicts.severity),
        _named([_REASONS[policy] for policy in POLICIES], reasons),
        _named(("review", "audit"), verdicts.audit.astype(np.int64)),
        _times(verdicts.at),
    ]
    return _table(LABELS, columns)


def truth_table(market: Marketplace, block: Block, ids: pa.Array) -> pa.Table:
    """One row an ad and policy that applies to it, in the order of ads."""
    ad, policy = np.nonzero(block.applicable)
    ads, who = block.ads, market.advertisers
    owner = [f"ring-{value >> 40:06x}" for value in who.owner[ads.advertiser].tolist()]
    ring = pa.array(optional(np.array(owner), ads.intent == Intent.RING), pa.string())
    columns: list[Any] = [
        ids.take(pa.array(ad)),
        _named(POLICIES, policy),
        block.truth[ad, policy],
        _named([intent.name.lower() for intent in Intent], ads.intent[ad]),
        ring.take(pa.array(ad)),
        _named(POLICIES, block.creatives.subject[ad]),
        _named([stance.name.lower() for stance in Stance], np.where(block.creatives.subject < 0, -1, block.creatives.stance)[ad]),
        pa.array(block.texts.method, pa.string()).take(pa.array(ad)),
        ads.resubmitted[ad],
        ads.edit[ad].astype(np.int8),
        np.full(len(ad), block.phase, dtype=np.int8),
    ]
    return _table(TRUTH, columns)


def handling_table(block: Block, ids: pa.Array, rater_ids: list[str]) -> pa.Table:
    verdicts = block.verdicts
    columns: list[Any] = [
        ids.take(pa.array(verdicts.ad)),
        _named(POLICIES, verdicts.policy),
        _named(rater_ids, verdicts.rater),
        verdicts.seconds.astype(np.int32),
    ]
    return _table(HANDLING, columns)


def raters_table(raters: Raters, rater_ids: list[str]) -> pa.Table:
    return _table(RATERS, [rater_ids, raters.sensitivity, raters.specificity, raters.pace])


def _table(schema: pa.Schema, columns: list[Any]) -> pa.Table:
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _named(names: Any, index: Ints) -> pa.Array:
    """Names by index, null where the index is negative."""
    return pa.array(list(names), pa.string()).take(pa.array(index, pa.int64(), mask=index < 0))


def _numbers(values: Any) -> pa.Array:
    return pa.array(values, pa.float64(), from_pandas=True)


def _times(seconds: Ints, known: Bools | None = None) -> pa.Array:
    return pa.array(seconds * 1_000_000, pa.int64(), mask=None if known is None else ~known).cast(_TIME)
