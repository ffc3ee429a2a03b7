"""A disguise is undone where a word that people say comes out, in whatever text; what honest texts write alike stays."""

from __future__ import annotations

import pytest

from adverdict.features.text.normalise import NOTHING, normalise

DISGUISED = [
    ("a weeeeek in the coooool gaaaaarden", "a week in the cool garden"),
    ("a p@rc3l for the w33kend", "a parcel for the weekend"),
    ("d3sign3r w@tch3s on d3mand by luml@nd", "designer watches on demand by lumland"),
    ("ni9ht tra1n", "night train"),
    ("p.u.p.p.e.t f.i.l.m", "puppet film"),
    ("o p e n   l a t e", "open late"),
    ("n-i-g-h-t t-r-a-i-n-s", "night trains"),
    ("市.民.の.夕.べ.写.真.の.店", "市民の夕べ写真の店"),
    ("désígnér wátch", "designer watch"),
    ("cásino gàmes frëe móney", "casino games free money"),
    ("héúté béstéllt, mórgén ábgéhólt, kósténlósé rückgábé", "heute bestellt, morgen abgeholt, kostenlose rückgabe"),
    ("c\u0302i\u0323t\u0323y\u0301", "city"),
    ("\u0109\u1ecb\u1e6d\u00fd", "city"),
    ("ピ\u0301ア\u0301ノ\u0331教\u0331室\u0303", "ピアノ教室"),
    (
        "m\u0301e\u0302l\u0300h\u0331o\u0303r\u0303e\u0301s\u0300 "
        "p\u0300r\u0300o\u0303m\u0323o\u0302\u00e7\u0300\u00f5\u0301e\u0323s\u0323",
        "melhores promoções",
    ),
    ("óculós dé léítúrá á pédído, fréte grátís", "óculos de leitura a pedido, frete grátis"),
]


@pytest.mark.parametrize(("raw", "text"), DISGUISED)
def test_a_word_that_is_said_is_found_under_its_disguise_and_counted(raw: str, text: str) -> None:
    found = normalise(raw)
    assert found.text == text
    assert found.undone.total > 0


HONEST = [
    "samsung a50s and mp3s, iphone5, m30s, 4ever, b2b, h2o, k8s, i18n, l10n",
    "bus2go rent2own face2face day2day need4speed all4you win32 d3js",
    "us$50 at @disneyjunior, lunch@home, ke$ha",
    "n.a.t.o. and u.n.e.s.c.o. and a.i.d.s.",
    "b.m.w. t.u.i. a.d.a.c.",
    "월.화.수.목.금.토.일",
    "営業 월.화.수.목.금, 毎日営業しています 春.夏.秋.冬 가-나-다-라, 新しい色が入荷しました あ.い.う.え.お",
    "衣·食·住·行",
    "شركة ش.ذ.م.م",
    "soooo good, hmmm, shhh",
    "khuyến mãi lớn, đường phố hà nội giảm giá cho người dùng mới",
    "ìlà òòrùn eṣíà gúúsù áfíríkà",
    "nǐ hǎo běijīng dàxué hànyǔ pīnyīn zhōngguó",
    "příští díl: málá páté dárků lásky",
    "kuvaiti dínár",
    "við bjóðum góða þjónustu á sanngjörnu verði",
    "résumé café crème brûlée déjà vu",
    "josé martínez núñez hernández",
]


@pytest.mark.parametrize("text", HONEST)
def test_what_honest_texts_write_alike_stays_and_counts_nothing(text: str) -> None:
    assert (normalise(text).text, normalise(text).undone) == (text, NOTHING)
