"""Plug-ins are found by name, and what nobody offers is refused with what there is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidSettings, NotFound
from adverdict.domain.plugins import (
    COMPONENTS,
    SIGNALS,
    SINKS,
    TRANSLATORS,
    Signal,
    Sink,
    Translator,
    distribution_of,
    installed,
    known,
    plugin,
)

AD = Ad(ad_id="a", advertiser_id="b", market="SE", submitted_at=datetime(2026, 1, 2, tzinfo=UTC), title="Now $5", body="50 % off, 20 kr")


def test_without_the_package_there_is_no_plug_in() -> None:
    assert not [name for group in (SIGNALS, COMPONENTS, TRANSLATORS, SINKS) for name in installed(group)]
    with pytest.raises(NotFound, match=r"no plug-in price_claims is installed \(adverdict.signals\); there is none"):
        plugin(SIGNALS, "price_claims")


def test_the_example_offers_one_of_every_kind(example: Path) -> None:
    assert {group: [*installed(group)] for group in (SIGNALS, COMPONENTS, TRANSLATORS, SINKS)} == {
        SIGNALS: ["price_claims"],
        COMPONENTS: ["landing_words"],
        TRANSLATORS: ["glossary"],
        SINKS: ["jsonl"],
    }
    assert distribution_of(SIGNALS, "price_claims") == ("adverdict-example", "1.0.0")


def test_the_examples_signal_is_a_number_with_words(example: Path) -> None:
    signal: Signal = plugin(SIGNALS, "price_claims")
    assert (signal.of(AD), signal.in_words(3.0), signal.in_words(1.0)) == (
        3.0,
        "it names 3 prices or percentages",
        "it names 1 price or percentages",
    )


def test_the_examples_translator_translates_what_it_knows(example: Path) -> None:
    translator: Translator = plugin(TRANSLATORS, "glossary")
    assert translator.translate(["Spara pengar nu!", "Hej"], "sv-SE", "en") == ["save money now!", "Hej"]


def test_the_examples_sink_keeps_what_it_is_told_in_order(example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_SINK_FILE", str(tmp_path / "changes.jsonl"))
    sink: Sink = plugin(SINKS, "jsonl")
    sink.deliver([{"seq": 1}, {"seq": 2}])
    sink.deliver([{"seq": 2}, {"seq": 3}])
    assert [json.loads(line)["seq"] for line in (tmp_path / "changes.jsonl").read_text().splitlines()] == [1, 2, 2, 3]


def test_names_that_nobody_offers_are_refused_all_at_once_with_those_there_are(example: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        known(SIGNALS, ["price_claims", "one", "two", "price_claims"], "--signal")
    assert [(mistake.field, mistake.value) for mistake in caught.value.mistakes] == [
        ("--signal", "one"),
        ("--signal", "two"),
        ("--signal", "price_claims"),
    ]
    assert caught.value.mistakes[0].expected == "an installed plug-in of adverdict.signals: price_claims"
