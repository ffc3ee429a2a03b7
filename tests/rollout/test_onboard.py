"""Opening a market with a real bundle: what the command says, what it writes, what it refuses."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.decisions.files.read import read_folder
from adverdict.domain.errors import InvalidInput, InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.domain.settings import Settings
from adverdict.models.bundle import Bundle, load_bundle
from adverdict.policies import folder as packaged_policies
from adverdict.rollout.onboard import COLUMNS, OnboardedMarket, OnboardJob, book_with, figures, open_market, opened, write_list
from adverdict.storage.tables.pack import read_pack

pytestmark = pytest.mark.slow

ADS = 2500


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return load_bundle(tiny_bundle)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ads of advertisers that the bundle has not seen."""
    from adverdict.simulation import write_marketplace

    folder = tmp_path_factory.mktemp("others") / "pack"
    write_marketplace(folder, ADS, seed=12)
    return folder


@pytest.fixture(scope="module")
def japan(bundle: Bundle, others: Path) -> OnboardedMarket:
    return opened(bundle, [read_pack(others)], "JP", read_folder(packaged_policies()), Silent())


def test_every_policy_left_to_solved_thresholds_is_answered(japan: OnboardedMarket, bundle: Bundle) -> None:
    assert {one.policy for one in japan.policies} == set(bundle.policies)
    assert japan.here == sum(ad.market == "JP" for ad in japan.ads) > 30
    assert japan.elsewhere > 100
    assert any(one.chosen for one in japan.policies)


def test_ads_of_advertisers_the_model_learnt_from_do_not_speak_for_others(bundle: Bundle, marketplace: Path) -> None:
    with pytest.raises(InvalidInput, match="all of advertisers the model has seen"):
        opened(bundle, [read_pack(marketplace)], "JP", read_folder(packaged_policies()), Silent())


@pytest.mark.parametrize(("market", "said"), [("se", r"did you mean SE\?"), ("Sweden", "such as SE"), ("XX", "such as SE")])
def test_a_market_that_is_none_is_refused_before_anything_is_read(market: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=said):
        open_market(OnboardJob(market, [tmp_path / "nowhere"], Settings(home=tmp_path)), Silent())


def test_a_market_without_ads_is_refused_with_those_that_have_some(bundle: Bundle, others: Path) -> None:
    with pytest.raises(InvalidInput, match=r"--market = 'FR'.*a market that ads of the data are in: BG, BR"):
        opened(bundle, [read_pack(others)], "FR", read_folder(packaged_policies()), Silent())


def test_a_market_without_a_file_is_judged_by_the_default(bundle: Bundle, others: Path) -> None:
    folder = read_folder(packaged_policies())
    assert not folder.book.knows("GR")
    book = book_with(folder, "GR")
    targets = {policy.name: policy.targets.max_leakage for policy in book.in_force("GR", "feed")}
    assert targets["deceptive"] == 0.02
    assert book_with(folder, "SE") is folder.book
    greece = opened(bundle, [read_pack(others)], "GR", folder, Silent())
    assert greece.policies
    assert not greece.has_file


def test_languages_that_training_hardly_had_are_counted(japan: OnboardedMarket, bundle: Bundle) -> None:
    known = bundle.contract.levels["detected_language"]
    assert all(tag not in known for tag in japan.unseen_languages)
    assert sum(japan.unseen_languages.values()) <= japan.readable <= japan.here


def test_the_list_names_ads_of_the_market_without_a_label_and_never_a_risk(japan: OnboardedMarket, others: Path, tmp_path: Path) -> None:
    rows = write_list(tmp_path / "to" / "label.csv", japan)
    with (tmp_path / "to" / "label.csv").open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert len(read) == rows > 0
    assert tuple(read[0]) == COLUMNS
    pack = read_pack(others)
    market = {ad.ad_id: ad.market for ad in pack.ads}
    labelled = {(label.ad_id, label.policy) for label in pack.labels}
    assert {market[row["ad_id"]] for row in read} == {"JP"}
    assert not [row for row in read if (row["ad_id"], row["policy"]) in labelled]
    assert all(0 < float(row["inclusion_probability"]) <= 1 for row in read)


def test_no_ad_is_a_formula_in_the_list(japan: OnboardedMarket, tmp_path: Path) -> None:
    ads = [ad.model_copy(update={"ad_id": f"={ad.ad_id}", "advertiser_id": f"@{ad.advertiser_id}"}) for ad in japan.ads]
    write_list(tmp_path / "label.csv", replace(japan, ads=ads))
    with (tmp_path / "label.csv").open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert {row["ad_id"][:2] for row in read} == {"'="}
    assert {row["advertiser_id"][:2] for row in read} == {"'@"}


def test_the_figures_are_plain_json(japan: OnboardedMarket) -> None:
    found = json.loads(json.dumps(figures(japan), allow_nan=False))
    assert found["market"] == "JP"
    assert len(found["policies"]) == len(japan.policies)


def test_the_command_says_what_is_known_and_what_is_not(
    tiny_bundle: Path, others: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["market", "onboard", "--market", "GR", "--data", str(others), "--model", str(tiny_bundle), "--out", "list.csv"]
    result = CliRunner().invoke(app, [*arguments, "--json", "figures.json"])
    assert result.exit_code == 0, result.output
    said = re.sub(r"\s+", " ", result.output)
    assert "GR has no policy file" in said
    assert "rows written to list.csv" in said
    assert "GR:" in said
    assert "To label:" in said
    assert json.loads(Path("figures.json").read_text())["policy_file"] is False
    refused = CliRunner().invoke(app, ["market", "onboard", "--market", "gr", "--data", str(others), "--model", str(tiny_bundle)])
    assert refused.exit_code == 2
    assert "did you mean GR?" in refused.output
