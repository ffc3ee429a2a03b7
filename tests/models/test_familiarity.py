"""How rare the strangeness of an ad is among honest ads of new advertisers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.errors import UntrustedBundle
from adverdict.domain.familiarity import Familiarity
from adverdict.features.text.traits import GRAM_BITS, NONE, Traits
from adverdict.models.bundle import Bundle, load_bundle
from adverdict.models.calibration import logit
from adverdict.models.familiarity.familiarity import ARRAYS, SETTINGS, FamiliarityModel, widened
from adverdict.models.familiarity.strangeness import NEVER_SURE, Known
from adverdict.models.manifest import NAME, Manifest, seal
from adverdict.storage.tables.pack import read_ads
from tests.training.data import ad


def said(grams: list[int], language: str = "en", script: str = "LATIN") -> Traits:
    return Traits(np.array(grams, dtype=np.int32), language, script)


@pytest.fixture
def known() -> Known:
    grams = np.zeros(2**GRAM_BITS, dtype=np.bool_)
    grams[:100] = True
    return Known(grams, frozenset(["en", "de", NONE]), frozenset(["LATIN", NONE]))


@pytest.fixture
def model(known: Known) -> FamiliarityModel:
    values = np.linspace(0, 0.9, 1999).astype(np.float32)
    return FamiliarityModel(known, {("en", "feed"): values, ("en", None): values[::2], (None, None): values[1500:]})


def test_strangeness_is_the_share_of_new_n_grams_and_one_more_for_a_new_language_or_script(known: Known) -> None:
    ads = [said([]), said([1, 2]), said([1, 200]), said([200, 300], "zh", "CJK"), said([], NONE, NONE), said([5], "zh")]
    n = 2 + NEVER_SURE
    assert [*map(known.strangeness, ads)] == pytest.approx([0, 0, 1 / n, 2 / n + 2, 0, 1])


def test_what_is_strange_is_named(known: Known) -> None:
    assert known.causes(said([], "zh", "CJK")) == ("language:zh", "script:CJK")
    assert known.causes(said([], "und", "CYRILLIC")) == ("script:CYRILLIC",)
    assert known.causes(said([200])) == known.causes(said([], "und", "LATIN")) == ("text",)


def test_the_narrowest_group_there_is_compares(model: FamiliarityModel) -> None:
    assert model.group_of("en", "feed") == ("en", "feed")
    assert model.group_of("en", "search") == ("en", None)
    assert model.group_of("de", "feed") == model.group_of("zh", "") == (None, None)


def test_p_is_the_share_of_the_group_at_least_as_strange(model: FamiliarityModel) -> None:
    ads = [said([1]), said([*range(200, 400)]), said([1], "zh")]
    usual, strange, chinese = model.of(ads, ["feed", "feed", "feed"])
    assert usual.p == 1
    assert strange.p == pytest.approx(1 / 2000)
    assert (chinese.p, chinese.causes) == (1 / 500, ("language:zh",))


def test_the_interval_of_a_strange_ads_risk_is_wider_and_its_risk_the_same() -> None:
    risk = np.array([[[0.2, 0.1, 0.3], [0.9, 0.8, 0.95]]] * 3)
    found = widened(risk, [Familiarity(p, ("text",)) for p in (0.5, 0.1, 0.001)])
    assert found[:2].tolist() == risk[:2].tolist()
    np.testing.assert_array_equal(found[..., 0], risk[..., 0])
    np.testing.assert_allclose(logit(found[2]) - logit(found[2, :, :1]), 10 * (logit(risk[2]) - logit(risk[2, :, :1])))
    assert ((found > 0) & (found < 1)).all()


def test_what_is_saved_says_the_same(model: FamiliarityModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    again = FamiliarityModel.load(tmp_path)
    assert again is not None
    ads = [said([*range(start, start + 150)]) for start in range(0, 200, 7)]
    assert again.of(ads, ["feed"] * len(ads)) == model.of(ads, ["feed"] * len(ads))
    assert (tmp_path / ARRAYS).stat().st_size < 600_000


def test_a_bundle_without_it_or_with_traits_of_another_form_knows_none(model: FamiliarityModel, tmp_path: Path) -> None:
    assert FamiliarityModel.load(tmp_path) is None
    model.save(tmp_path)
    (tmp_path / SETTINGS).write_text(json.dumps(json.loads((tmp_path / SETTINGS).read_text()) | {"form": 0}))
    assert FamiliarityModel.load(tmp_path) is None


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return load_bundle(tiny_bundle)


@pytest.fixture(scope="module")
def ads(marketplace: Path) -> list[Ad]:
    return read_ads(marketplace)[-200:]


STRANGE = {
    "zh": "在线商店 新鲜面包 每天早上出炉 欢迎光临 免费送货",
    "th": "ขนมปังสดใหม่จากเตาทุกเช้า ส่งฟรีถึงบ้าน",
    "ka": "ახალი პური ყოველ დილით, უფასო მიტანა",
    "hy": "Թարմ հաց ամեն առավոտ, անվճար առաքում",
    "vi": "Bánh mì tươi ra lò mỗi sáng, giao hàng miễn phí tận nhà",
    "fi": "Tuoretta leipää uunista joka aamu, ilmainen kotiinkuljetus",
    "random": "xqvz kkjw pfzzt wqxj vvbn zzkq jjxw qpdf",
    "mash": "asdfjkl qweruiop zxcvnm asdfasdf qwerqwer",
}
OFF_SUBJECT = "Certified apiculture varroa treatment for hobby beekeepers and honeycomb extractor rental"


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_what_training_never_read_is_unfamiliar_to_a_bundle(bundle: Bundle, text: str) -> None:
    for surface in ("feed", "search", None):
        found = bundle.score([ad(1, title=text, surface=surface)]).familiarity
        assert found is not None
        assert found[0].p <= 0.01


def test_a_subject_that_training_never_read_is_rare_among_honest_ads(bundle: Bundle) -> None:
    found = bundle.score([ad(1, title=OFF_SUBJECT, surface="feed")]).familiarity
    assert found is not None
    assert found[0].p <= 0.02


def test_an_ad_alone_is_as_familiar_as_among_others_and_most_are_familiar(bundle: Bundle, ads: list[Ad]) -> None:
    together = bundle.score(ads).familiarity
    assert together is not None
    assert together == tuple(one for ad in ads for one in bundle.score([ad]).familiarity or ())
    assert np.mean([one.p <= 0.01 for one in together]) < 0.05


def test_a_bundle_made_before_familiarity_scores_as_it_did(bundle: Bundle, tiny_bundle: Path, ads: list[Ad], tmp_path: Path) -> None:
    older = resealed_without(tiny_bundle, tmp_path, ARRAYS, SETTINGS)
    scores = older.score(ads)
    assert scores.familiarity is None
    np.testing.assert_array_equal(scores.risk[..., 0], bundle.score(ads).risk[..., 0])


def test_half_of_it_refuses_the_bundle(tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UntrustedBundle, match="cannot be loaded"):
        resealed_without(tiny_bundle, tmp_path, ARRAYS)


def resealed_without(bundle: Path, tmp_path: Path, *names: str) -> Bundle:
    folder = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    for name in names:
        (folder / name).unlink()
    seal(folder, Manifest.model_validate_json((folder / NAME).read_bytes()))
    return load_bundle(folder)
