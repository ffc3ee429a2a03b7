"""Certifying a model on packs: whose ads count, what raters said of them, and that nothing is kept that may not be used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adverdict.certification.certificate import CERTIFICATES, Issued
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.domain.progress import Silent
from adverdict.domain.settings import Settings
from adverdict.models.blend import BlendModel
from adverdict.models.calibration import Calibration
from adverdict.models.cascade import Cascade, Spread
from adverdict.models.certified import certified_thresholds, exit_rule
from adverdict.models.opening import FoundModel
from adverdict.models.seen import Seen
from adverdict.rollout import certify, labelled
from adverdict.rollout.certify import Solved, SolveJob, TooFewReviewers, figures, solve
from adverdict.rollout.labelled import Sample
from adverdict.rollout.pages.certificates import PAGE
from adverdict.simulation import write_marketplace
from adverdict.storage.tables.pack import read_pack, write_ads, write_labels
from tests.decisions.build import write_folder
from tests.golden import Golden
from tests.training.data import ad, label, said


@dataclass
class FakeHistory:
    observed: list[str] = field(default_factory=list)

    def observe_ads(self, ads: Iterable[Ad]) -> None:
        self.observed += [one.ad_id for one in ads]


@dataclass
class FakeBundle:
    """Says of each ad the risk that its title says, of all policies the same."""

    seen: Seen = field(default_factory=Seen)
    known: tuple[str, ...] = ()
    """Digests of the packs it was made from."""
    policies: tuple[str, ...] = ("gambling", "deceptive")
    version: str = "0123456789abcdef"
    history: FakeHistory = field(default_factory=FakeHistory)
    cascade: Cascade | None = None

    @property
    def manifest(self) -> SimpleNamespace:
        return SimpleNamespace(data=[SimpleNamespace(digest=digest) for digest in self.known])

    def fresh_history(self) -> FakeHistory:
        return self.history

    def score(self, ads: Sequence[Ad], history: FakeHistory) -> SimpleNamespace:
        p = np.array([float(one.title or "") for one in ads])
        return SimpleNamespace(risk=np.repeat(p, len(self.policies) * 3).reshape(len(ads), len(self.policies), 3))

    def early_risk(self, scores: SimpleNamespace, markets: Sequence[str]) -> np.ndarray[Any, Any] | None:
        return None


def risky(number: int, risk: float, advertiser: str = "", market: str = "SE", **fields: object) -> Ad:
    return ad(number, advertiser, market, title=str(risk), **fields)


def written(folder: Path, ads: Sequence[Ad], labels: Sequence[Label]) -> Path:
    folder.mkdir(parents=True)
    write_ads(folder / "ads.jsonl", ads)
    write_labels(folder / "labels.jsonl", labels)
    return folder


def job(tmp_path: Path, *packs: Path, **changes: object) -> SolveJob:
    (tmp_path / "bundle").mkdir(exist_ok=True)
    settings = Settings(home=tmp_path / "home", model=str(tmp_path / "bundle"), policies=write_folder(tmp_path / "policies"))
    chosen = {name: changes.pop(name) for name in ("model",) if name in changes}
    plain = SolveJob(packs, settings.model_copy(update=chosen))
    return replace(plain, **changes)  # type: ignore[arg-type]  # the fields of a job, as a test names them


def sample_of(one: SolveJob) -> Sample:
    return labelled.read_sample(one.data, one.settings, Silent(), measure_noise=one.measure_noise)


def sample(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    ads: Sequence[Ad],
    labels: Sequence[Label],
    bundle: FakeBundle | None = None,
    **changes: object,
) -> Sample:
    """Of one pack."""
    using(monkeypatch, bundle or FakeBundle())
    return sample_of(job(tmp_path, written(tmp_path / "pack", ads, labels), **changes))


def using(monkeypatch: pytest.MonkeyPatch, bundle: FakeBundle) -> None:
    monkeypatch.setattr(FoundModel, "load", lambda found: bundle)


ADS = [risky(0, 0.1, "adv-a"), risky(1, 0.2, "adv-b", creative_id="c-1"), risky(2, 0.3, "adv-c", market="DE"), risky(3, 0.4, "adv-a")]
LABELS = said({0: False, 1: True, 2: False, 3: True})


@pytest.mark.parametrize(
    ("seen", "left", "labelled", "out"),
    [
        ([], ["ad-0", "ad-1", "ad-2", "ad-3"], 4, 0),
        ([risky(9, 0, "adv-a")], ["ad-1", "ad-2"], 4, 2),
        ([risky(9, 0, "adv-z", creative_id="c-1")], ["ad-0", "ad-2", "ad-3"], 4, 1),
    ],
)
def test_ads_of_whoever_the_model_was_made_with_are_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seen: list[Ad], left: list[str], labelled: int, out: int
) -> None:
    found = sample(monkeypatch, tmp_path, ADS, LABELS, FakeBundle(Seen.of(seen)))
    assert [one.ad_id for one in found.ads] == left
    assert found.scored.risk[:, 0].tolist() == [float(one.title or "") for one in found.ads]
    assert (found.labelled, found.seen) == (labelled, out)


def test_the_labels_are_the_mean_of_the_raters_and_only_of_ads_that_may_be_a_random_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    labels = [
        *(label(0, "gambling", violates, rater) for rater, violates in (("r1", True), ("r2", False), ("r3", False))),
        label(1, "deceptive", True).model_copy(update={"source": "audit"}),
        label(2, "gambling", True).model_copy(update={"source": "golden"}),
        label(3, "gambling", True).model_copy(update={"source": "appeal"}),
        label(3, "weapons", True),
    ]
    found = sample(monkeypatch, tmp_path, ADS, labels)
    nobody = float("nan")
    np.testing.assert_array_equal(found.scored.verdict, [[1 / 3, nobody], [nobody, 1.0], [nobody, nobody], [nobody, nobody]])
    assert found.labelled == 2


def test_advertisers_with_a_creative_in_common_are_one_group_and_surfaces_are_spelt_alike(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ads = [
        risky(0, 0.1, "adv-a", creative_id="c-1", surface="Kids-Video"),
        risky(1, 0.1, "adv-b", creative_id="c-1", surface="kids video"),
        risky(2, 0.1, "adv-b", surface=None),
        risky(3, 0.1, "adv-c", market="DE"),
    ]
    found = sample(monkeypatch, tmp_path, ads, LABELS).scored
    assert found.group[0] == found.group[1] == found.group[2] != found.group[3]
    assert set(found.group.tolist()) == {0, 1}
    assert found.surface.tolist() == ["kids_video", "kids_video", "", ""]
    assert found.market.tolist() == ["SE", "SE", "SE", "DE"]


@pytest.mark.parametrize("known", [True, False])
def test_every_submission_is_history_once_also_that_of_an_advertiser_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: bool
) -> None:
    pack = written(tmp_path / "pack", ADS, LABELS)
    bundle = FakeBundle(Seen.of(ADS[:1]), known=(read_pack(pack).digest,) if known else ())
    using(monkeypatch, bundle)
    sample_of(job(tmp_path, pack))
    assert bundle.history.observed == ([] if known else ["ad-0", "ad-1", "ad-2", "ad-3"])


def twice_rated(first: int, seen: bool) -> tuple[list[Ad], list[Label]]:
    """40 ads with two raters each; one in four is disagreed on, or all of them where the advertiser is one the model has ``seen``."""
    numbers = range(first, first + 40)
    labels = [
        label(n, "gambling", n % 2 == 0 if rater == "r1" or not (seen or n % 4 == 0) else n % 2 == 1, rater)
        for n in numbers
        for rater in ("r1", "r2")
    ]
    return [risky(n, 0.5, "adv-seen" if seen else "") for n in numbers], labels


@pytest.mark.parametrize("measured", [True, False])
def test_raters_are_judged_by_the_ads_that_certify_unless_they_are_to_be_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, measured: bool
) -> None:
    fresh, seen = twice_rated(0, seen=False), twice_rated(100, seen=True)
    bundle = FakeBundle(Seen.of([risky(9, 0, "adv-seen")]))
    found = sample(monkeypatch, tmp_path, fresh[0] + seen[0], fresh[1] + seen[1], bundle, measure_noise=measured)
    if not measured:
        assert found.noise == {}
        return
    assert (found.noise["gambling"].twice_rated, found.noise["gambling"].disagreed) == (40, 10)
    assert found.noise["gambling"].sensitivity == pytest.approx(20 / 30)
    assert found.noise["deceptive"].source == "assumed"


@pytest.mark.parametrize(
    ("labels", "seen", "said"),
    [
        ([label(0, "weapons", True)], [], "labels = '(none)'; expected labels under one of gambling, deceptive"),
        ([label(0, "gambling", True).model_copy(update={"source": "golden"})], [], "labels = '(none)'"),
        (LABELS[:2], ADS, "ads = '2 labelled, all of advertisers the model has seen'; expected ads of advertisers whose labels"),
    ],
)
def test_without_a_label_to_certify_with_it_is_said_what_would_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, labels: list[Label], seen: list[Ad], said: str
) -> None:
    with pytest.raises(InvalidInput, match="nothing to certify with") as refused:
        sample(monkeypatch, tmp_path, ADS, labels, FakeBundle(Seen.of(seen)))
    assert said in str(refused.value)


def test_one_ad_in_two_packs_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    using(monkeypatch, FakeBundle())
    packs = [written(tmp_path / name, ADS[:2], LABELS[:2]) for name in ("one", "two")]
    with pytest.raises(InvalidInput, match="the same ad is in two of the packs") as refused:
        sample_of(job(tmp_path, *packs))
    assert [mistake.value for mistake in refused.value.mistakes] == ["ad-0", "ad-1"]


def test_no_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        sample_of(job(tmp_path, written(tmp_path / "pack", ADS, LABELS), model=str(tmp_path / "nowhere")))


def many(tmp_path: Path) -> Path:
    """Enough ads of SE for both sides, with risks that are right."""
    rng = np.random.default_rng(3)
    risk = np.concatenate([np.full(500, 0.002), np.full(100, 0.5), np.full(200, 0.99)]).round(3)
    violating = rng.random(len(risk)) < risk
    ads = [risky(number, float(p), surface="feed") for number, p in enumerate(risk)]
    labels = [label(number, policy, bool(bad)) for number, bad in enumerate(violating) for policy in ("gambling", "deceptive")]
    return written(tmp_path / "many", ads, labels)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("solved")


@pytest.fixture(scope="module")
def solved(home: Path) -> Solved:
    """With a capacity, and by a model without an early exit."""
    with pytest.MonkeyPatch.context() as patch:
        using(patch, FakeBundle())
        return solve(job(home, many(home), capacity=50.0, volume={"SE": 100.0}), Silent())


def test_what_is_solved_is_kept_where_a_service_and_a_person_find_it(home: Path, solved: Solved) -> None:
    assert solved.file.parent.parent == home / "home" / "certificates"
    assert Issued.from_json(solved.file.read_text(encoding="utf-8")) == Issued(solved.solution.certificates)
    assert {path.name for path in solved.file.parent.iterdir()} >= {CERTIFICATES, PAGE}
    assert solved.page.read_text(encoding="utf-8").count("Gambling") > 0
    assert solved.attached is None
    served = {one.policy: one for one in solved.solution.certificates if one.served == ("SE",)}
    assert set(served) == {"gambling", "deceptive"}
    assert all(0.002 < one.approve_below <= 0.5 <= one.reject_at <= 0.99 for one in served.values())
    assert solved.solution.priced.reviews <= 50
    told = json.loads(json.dumps(figures(solved)))
    assert (told["labelled"], told["labelled_seen"], told["attached"]) == (800, 0, None)
    assert told["plan"]["reviews_by_market"] == {"SE": solved.solution.priced.reviews}
    assert [one["certificate_id"] for one in told["certificates"]] == [one.certificate_id for one in solved.solution.certificates]


def test_too_few_reviewers_are_told_how_many_are_missing_and_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, golden: Golden
) -> None:
    using(monkeypatch, FakeBundle())
    policies = write_folder(tmp_path / "two markets", DE="extends: default\n")
    plain = job(tmp_path, many(tmp_path), capacity=10.0, volume={"SE": 100_000.0}, out=tmp_path / "out")
    asked = replace(plain, settings=plain.settings.model_copy(update={"policies": policies}))
    with pytest.raises(TooFewReviewers) as refused:
        solve(asked, Silent())
    golden.check("too_few_reviewers.txt", str(refused.value))
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "out").exists()


def test_a_market_that_nobody_scored_cannot_be_planned_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    using(monkeypatch, FakeBundle())
    with pytest.raises(InvalidInput, match="these volumes cannot be planned for"):
        solve(job(tmp_path, many(tmp_path), capacity=10.0, volume={"SE": 100.0, "JP": 5.0}), Silent())


@pytest.mark.slow
def test_a_trained_bundle_is_certified_on_advertisers_it_has_not_seen(tmp_path: Path, tiny_bundle: Path, small_marketplace: Path) -> None:
    fresh = tmp_path / "fresh"
    write_marketplace(fresh, 600, seed=12)
    renamed = written(tmp_path / "renamed", *apart(fresh))
    with pytest.raises(InvalidInput, match="all of advertisers the model has seen"):
        solve(job(tmp_path, small_marketplace, model=str(tiny_bundle)), Silent())
    solved = solve(job(tmp_path, small_marketplace, renamed, model=str(tiny_bundle), out=tmp_path / "out"), Silent())
    labelled = {one.ad_id for one in read_pack(renamed).labels}
    assert solved.sample.labelled - solved.sample.seen >= len(labelled) * 0.9
    assert solved.sample.seen > 500
    assert ((solved.sample.scored.risk > 0) & (solved.sample.scored.risk < 1)).all()
    assert {key.market for key in solved.solution.solved.points} == set(solved.sample.book.markets)
    assert Issued.from_json((tmp_path / "out" / CERTIFICATES).read_text(encoding="utf-8")).certificates == solved.solution.certificates


def apart(folder: Path) -> tuple[list[Ad], list[Label]]:
    """The pack's ads and labels under ids that no other simulated pack has."""
    pack = read_pack(folder)
    changes = ("ad_id", "advertiser_id", "creative_id")
    ads = [one.model_copy(update={name: f"new-{getattr(one, name)}" for name in changes}) for one in pack.ads]
    return ads, [one.model_copy(update={"ad_id": f"new-{one.ad_id}"}) for one in pack.labels]


# The early exit ---------------------------------------------------------------------------------------------------------------------


LEVEL = Spread(np.array([-9.0, 9.0]), np.array([-9.0, 9.0]), np.array([0.3, 0.3]), np.array([0.3, 0.3]))


@dataclass
class EarlyBundle(FakeBundle):
    """Whose early risks are the whole ones, but for every ad above .9, which it takes for harmless at first."""

    cascade: Cascade | None = field(
        default_factory=lambda: Cascade(BlendModel(("ridge",), np.ones((2, 1)), np.zeros(2)), Calibration(()), (LEVEL, LEVEL))
    )
    thresholds: SolvedThresholds = field(default_factory=SolvedThresholds)

    def early_risk(self, scores: SimpleNamespace, markets: Sequence[str]) -> np.ndarray[Any, Any] | None:
        return np.where(scores.risk > 0.9, 0.4, scores.risk)


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> Solved:
    """By a model with an early exit."""
    home = tmp_path_factory.mktemp("early")
    with pytest.MonkeyPatch.context() as patch:
        using(patch, EarlyBundle())
        return solve(job(home, many(home), max_flipped=0.05), Silent())


def test_what_the_early_exit_is_solved_from_goes_with_the_certificates(early: Solved) -> None:
    kept = Issued.from_json(early.file.read_text(encoding="utf-8"))
    assert kept.exits is not None
    assert (kept.exits.max_flipped, kept.exits.policies, kept.exits.bundle_version) == (0.05, ("gambling", "deceptive"), "0123456789abcdef")
    assert kept.exits.expires_at == early.solution.certificates[0].expires_at
    np.testing.assert_array_equal(kept.exits.whole_risk, early.sample.scored.risk)
    np.testing.assert_array_equal(np.unique(kept.exits.early_risk), [0.002, 0.4, 0.5])
    assert set(kept.exits.where) == {("SE", "feed")}
    assert early.exits is not None
    assert (early.exits.ads, early.exits.disagreeing) == (800, 200)
    assert early.exits.feasible
    assert early.exits.left <= 600, "not those who flip"
    told = json.loads(json.dumps(figures(early)))["exits"]
    assert (told["limit"], told["left"], told["certificate_id"]) == (early.exits.limit, early.exits.left, early.exits.certificate_id)


def test_a_service_comes_to_the_rule_that_was_shown(early: Solved) -> None:
    bundle, kept = EarlyBundle(), Issued.from_json(early.file.read_text(encoding="utf-8"))
    assert bundle.cascade is not None
    assert early.exits is not None
    in_use = certified_thresholds(kept, bundle.version)
    assert exit_rule(kept, early.sample.book, in_use, bundle.cascade.doubt) == early.exits.rule


def test_without_an_early_exit_the_certificates_say_nothing_of_one(solved: Solved) -> None:
    assert solved.exits is None
    assert figures(solved)["exits"] is None
    assert "exits" not in json.loads(solved.file.read_text(encoding="utf-8"))


def test_more_ads_than_are_kept_are_drawn_advertiser_by_advertiser_and_always_the_same() -> None:
    group = np.random.default_rng(1).integers(0, 400, 2_000)
    rows = certify._whole_groups(group, 500)
    assert 400 < len(rows) <= 500
    for one in np.unique(group[rows]):
        assert (group[rows] == one).sum() == (group == one).sum()
    np.testing.assert_array_equal(rows, certify._whole_groups(group, 500))
    np.testing.assert_array_equal(certify._whole_groups(group, 2_000), np.arange(2_000))
    assert len(certify._whole_groups(np.zeros(600, dtype=np.int64), 500)) == 0
