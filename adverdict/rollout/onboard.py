"""Open a market: score its ads and the labelled ones of other markets, and say what is known, what is missing and which ads to label.

model -> packs -> leave out whoever it was trained on -> score as strangers -> certification.markets.onboarding -> a list of ads
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.markets.onboarding import Onboarding, onboard
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.decisions.files.countries import COUNTRIES
from adverdict.decisions.files.inherit import DEFAULT, settle
from adverdict.decisions.files.read import PolicyFolder, read_folder
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput, InvalidSettings, Mistake
from adverdict.domain.identity import surface_key
from adverdict.domain.progress import Progress
from adverdict.domain.settings import Settings
from adverdict.domain.spreadsheet import inert
from adverdict.features.text.language import UNKNOWN, language_of
from adverdict.features.text.normalise import ad_text
from adverdict.models.bundle import Bundle
from adverdict.models.opening import find_model
from adverdict.rollout.designs import STATED
from adverdict.storage.tables.pack import Pack, read_pack
from adverdict.storage.tables.reading import Source
from adverdict.storage.whole import replacing_text
from adverdict.training.dataset import groups_of
from adverdict.training.evaluation.evaluate import ROWS, history_with

COLUMNS = ("list", "order", "policy", "ad_id", "advertiser_id", "part", "inclusion_probability")
"""Of the list of ads to label. No risk: a rater who sees one agrees with it."""


@dataclass(frozen=True)
class OnboardJob:
    market: str
    data: Sequence[Path | Source]
    settings: Settings
    """Which model, and which policies."""
    seed: int = 0


@dataclass(frozen=True)
class OnboardedMarket:
    """What is known of the market. ``seen``: labelled ads of other markets left out because the model was made with their advertiser's
    labels. ``unseen_languages``: by language tag, ads there in a language that hardly any training ad was in."""

    market: str
    ads: Sequence[Ad]
    """Every ad scored; the rows of ``Onboarding.to_label`` point into it."""
    policies: tuple[Onboarding, ...]
    elsewhere: int
    """Labelled ads of other markets that were used."""
    seen: int
    readable: int
    """Ads of the market with enough text to tell the language."""
    unseen_languages: Mapping[str, int]
    has_file: bool
    """Whether the market has a policy file; without one the default's values are used."""

    @property
    def here(self) -> int:
        return sum(ad.market == self.market for ad in self.ads)


def open_market(job: OnboardJob, progress: Progress) -> OnboardedMarket:
    """Run the job. Raises InvalidInput (no such country, no ads there, nothing labelled elsewhere), InvalidPolicy, NotFound."""
    if job.market not in COUNTRIES:
        raise InvalidSettings(
            "no such market", [Mistake("--market", job.market, f"an ISO 3166-1 alpha-2 code such as SE{_meant(job.market)}")]
        )
    folder = read_folder(job.settings.policies)
    bundle = find_model(job.settings.model, job.settings).load()
    return opened(bundle, [read_pack(path, unlabelled=True) for path in job.data], job.market, folder, progress, job.seed)


def opened(bundle: Bundle, packs: Sequence[Pack], market: str, folder: PolicyFolder, progress: Progress, seed: int = 0) -> OnboardedMarket:
    """The same for what is already loaded."""
    rated = {label.ad_id for pack in packs for label in pack.labels if label.policy in bundle.policies and label.source in STATED}
    everything = [ad for pack in packs for ad in pack.ads]
    here = [ad for ad in everything if ad.market == market]
    labelled = [ad for ad in everything if ad.market != market and ad.ad_id in rated]
    strangers = [ad for ad in labelled if not bundle.seen.knows(ad)]
    _refuse_nothing(market, everything, here, labelled, strangers)
    ads = here + strangers
    scored = _scored(bundle, packs, ads, market, progress)
    progress.stage("what is known", 1)
    onboardings = onboard(scored, market, book_with(folder, market), seed)
    progress.advance()
    languages = [language_of(ad_text(ad).text)[0] for ad in here]
    return OnboardedMarket(
        market=market,
        ads=ads,
        policies=onboardings,
        elsewhere=len(strangers),
        seen=len(labelled) - len(strangers),
        readable=sum(tag != UNKNOWN for tag in languages),
        unseen_languages=_unseen(bundle, languages),
        has_file=folder.book.knows(market),
    )


def book_with(folder: PolicyFolder, market: str) -> PolicyBook:
    """The folder's book; a market without a file is given the default's values."""
    book = folder.book
    if book.knows(market):
        return book
    return PolicyBook(book.names, {**book.rules, market: settle([folder.files[DEFAULT]], []).rules()})


def write_list(path: Path, opened: OnboardedMarket) -> int:
    """Write the ads to label as CSV, whole or not at all; how many rows."""
    rows = list(_rows(opened))
    with replacing_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return len(rows)


def figures(opened: OnboardedMarket) -> dict[str, object]:
    """For machines."""
    return {
        "market": opened.market,
        "ads": opened.here,
        "labelled_elsewhere": opened.elsewhere,
        "labelled_elsewhere_seen": opened.seen,
        "policy_file": opened.has_file,
        "ads_with_language": opened.readable,
        "ads_in_unseen_languages": dict(opened.unseen_languages),
        "policies": [_figures(onboarding) for onboarding in opened.policies],
    }


def _figures(onboarding: Onboarding) -> dict[str, object]:
    known = [
        {"market": m.market, "ads": m.ads, "violating": m.violating, "estimates": dict(m.estimates)} for m in onboarding.transfer.markets
    ]
    return {
        "policy": onboarding.policy,
        "surfaces": list(onboarding.surfaces),
        "targets": asdict(onboarding.targets),
        "ads": onboarding.ads,
        "advertisers": onboarding.advertisers,
        "labelled": onboarding.labelled,
        "mean_risk": onboarding.mean_risk,
        "chosen": None if onboarding.chosen is None else asdict(onboarding.chosen),
        "estimates": {assumption: asdict(rate) for assumption, rate in onboarding.rates.items()},
        "known_markets": known,
        "mixture_p_value": None if onboarding.test is None else onboarding.test.p_value,
        "accepted": onboarding.accepted,
        "why_not": onboarding.why_not,
        "forecasts": [asdict(side) for side in onboarding.forecasts],
        "suggested": None if onboarding.suggested is None else [onboarding.suggested.approve_below, onboarding.suggested.reject_at],
        "to_label": len(onboarding.to_label),
    }


def _rows(opened: OnboardedMarket) -> Iterable[tuple[str, int, str, str, str, str, str]]:
    for onboarding in opened.policies:
        for order, draw in enumerate(onboarding.to_label, start=1):
            ad = opened.ads[draw.row]
            yield onboarding.title, order, onboarding.policy, inert(ad.ad_id), inert(ad.advertiser_id), draw.part, f"{draw.inclusion:.6g}"


def _refuse_nothing(market: str, everything: Sequence[Ad], here: Sequence[Ad], labelled: Sequence[Ad], strangers: Sequence[Ad]) -> None:
    mistakes = []
    if not here:
        present = sorted({ad.market for ad in everything})
        mistakes.append(Mistake("--market", market, f"a market that ads of the data are in: {', '.join(present) or '(there are no ads)'}"))
    if not labelled:
        mistakes.append(Mistake("labels", "(none)", "labels of other markets under a policy the model scores"))
    elif not strangers:
        expected = "ads of advertisers whose labels the model was not made with (train with --certify-share, or bring other data)"
        mistakes.append(Mistake("labels", f"{len(labelled)} elsewhere, all of advertisers the model has seen", expected))
    if mistakes:
        raise InvalidInput("nothing can be said of this market", mistakes)


def _scored(bundle: Bundle, packs: Sequence[Pack], ads: Sequence[Ad], market: str, progress: Progress) -> ScoredAds:
    said = _said(packs)
    verdict = [[mean(said[ad.ad_id, p]) if (ad.ad_id, p) in said else np.nan for p in bundle.policies] for ad in ads]
    return ScoredAds(
        policies=bundle.policies,
        market=np.array([ad.market for ad in ads]),
        surface=np.array([surface_key(ad.surface) for ad in ads]),
        group=np.unique(groups_of(ads), return_inverse=True)[1].astype(np.int64),
        risk=risks_as_in(bundle, packs, ads, market, progress),
        verdict=np.array(verdict, dtype=np.float64).reshape(len(ads), len(bundle.policies)),
    )


def _said(packs: Sequence[Pack]) -> dict[tuple[str, str], list[bool]]:
    """By ad and policy: what each rater of a label that may be a random part of the traffic said."""
    said: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for pack in packs:
        for label in pack.labels:
            if label.source in STATED:
                said[label.ad_id, label.policy].append(label.violates)
    return said


def risks_as_in(bundle: Bundle, packs: Sequence[Pack], ads: Sequence[Ad], market: str, progress: Progress) -> NDArray[np.float64]:
    """float64 (n_ads, n_policies): risks with the calibration of one market, whichever the ads' own is.

    The model's calibration knows how often ads violate in the markets it was trained on. Of a new one it does not know it, and ads can be
    compared only if of the others it does not use it either. History is the bundle's and the packs' submissions.
    """
    history = history_with(bundle, packs)
    progress.stage("scoring", len(ads))
    made = []
    for start in range(0, len(ads), ROWS):
        some = ads[start : start + ROWS]
        made.append(bundle.calibration.apply(bundle.score(some, history).blend, [market] * len(some))[:, :, 0])
        progress.advance(len(some))
    return np.concatenate(made)


def _unseen(bundle: Bundle, languages: Sequence[str]) -> dict[str, int]:
    known = {UNKNOWN, *bundle.contract.levels["detected_language"]}
    unseen = [tag for tag in languages if tag not in known]
    return {tag: unseen.count(tag) for tag in sorted(set(unseen))}


def _meant(market: str) -> str:
    return f" (did you mean {market.upper()}?)" if market.upper() in COUNTRIES else ""
