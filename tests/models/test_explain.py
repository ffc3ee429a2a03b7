"""Reasons are words of the ad and facts about it, and point the way the risk went."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adverdict.domain.ad import Ad
from adverdict.models.bundle import Bundle, load_bundle
from adverdict.models.explain import SMALLEST_EFFECT, reasons
from adverdict.storage.tables.pack import read_pack


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return load_bundle(tiny_bundle)


@pytest.fixture(scope="module")
def ads(marketplace: Path) -> list[Ad]:
    pack = read_pack(marketplace)
    violating = {label.ad_id for label in pack.labels if label.violates}
    return [ad for ad in pack.ads if ad.ad_id in violating][:20]


def test_phrases_are_taken_from_the_ad(bundle: Bundle, ads: list[Ad]) -> None:
    scores = bundle.score(ads)
    for row, ad in enumerate(ads):
        phrases = [reason for reason in reasons(bundle, ad, scores, row, bundle.policies[:2]) if reason.kind == "phrase"]
        text = " ".join(scores.table.texts[row].text.split())
        assert all(reason.signal in text for reason in phrases)


def test_each_policy_gets_a_few_of_each_kind_strongest_first(bundle: Bundle, ads: list[Ad]) -> None:
    found = reasons(bundle, ads[0], bundle.score(ads[:1]), 0, bundle.policies, top=2)
    for policy in bundle.policies:
        own = [reason for reason in found if reason.policy == policy]
        assert len(own) <= 4
        assert [abs(reason.effect) for reason in own] == sorted((abs(reason.effect) for reason in own), reverse=True)
        assert all(abs(reason.effect) >= SMALLEST_EFFECT for reason in own)


def test_reasons_are_sentences_not_column_names(bundle: Bundle, ads: list[Ad]) -> None:
    for reason in reasons(bundle, ads[0], bundle.score(ads[:1]), 0, bundle.policies):
        assert " " in reason.text
        assert "_" not in reason.text or reason.kind == "phrase"


def test_an_ad_without_text_has_facts_only(bundle: Bundle, ads: list[Ad]) -> None:
    bare = ads[0].model_copy(update={"title": None, "body": None, "call_to_action": None, "keywords": None, "creative_ocr_text": None})
    found = reasons(bundle, bare, bundle.score([bare]), 0, bundle.policies)
    assert {reason.kind for reason in found} <= {"fact"}


@pytest.mark.slow
def test_phrases_do_not_depend_on_how_a_process_orders_its_sets() -> None:
    """Near ties fall one way in every process, or a decision could not be replayed."""
    code = (
        "import numpy\n"
        "from adverdict.models.explain import _word_effects\n"
        "from adverdict.models.ngram import NamedEffects\n"
        "text = ['σχεδιαστή', 'άλλοι', 'το', 'κρύβουν', 'εμείς', 'έως']\n"
        "grams = {w[a:b]: 1 / (7 * a + b + len(w)) for w in map(' {} '.format, text) for a in range(len(w)) for b in range(a + 3, a + 6)}\n"
        "named = NamedEffects({gram: row for row, gram in enumerate(grams)}, numpy.array([*grams.values()])[:, None])\n"
        "told = str([x.hex() for x in _word_effects(text, named)[:, 0].tolist()])\n"
    )
    here: dict[str, str] = {}
    exec(code, here)
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "1",
    }  # in this process it is another one, chosen at random unless somebody says otherwise
    command = [sys.executable, "-c", f"{code}print(told)"]
    there = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert there.strip() == here["told"]
