"""What comes before the service: simulate, train, promote, sample, certify. A process of its own, whose memory is free once it is done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.console import Bars, out, write_json
from adverdict.cli.door import door
from adverdict.cli.options import Encoder, Vectors
from adverdict.cli.quickstart.telling import heading

if TYPE_CHECKING:
    from adverdict.certification.certificate import Certificate
    from adverdict.domain.ad import Ad
    from adverdict.domain.settings import Settings
    from adverdict.rollout.certify import Solved

SEED = 7
CERTIFY_SHARE = 0.5
"""Of the advertisers: the model never sees them, so that their labels can certify its thresholds."""
ADS_PER_ADVERTISER = 1.5
"""Of those who could have submitted: a third as many advertisers as ads come of it, and it is advertisers that certify."""
LATE = 200
"""Ads of the marketplace's end among which the three are found that are shown."""


def prepare(
    ads: Annotated[int, typer.Option("--ads", min=3000)],
    report: Annotated[Path, typer.Option("--report", help="Where to say what was made, for the process that asked.")],
    vectors: Vectors = "multilingual",
    encoder: Encoder = "none",
) -> None:
    """Make sure that there is a marketplace and a certified champion; settings come from the environment, as everywhere."""
    with door() as settings:
        marketplace = _simulate(ads, settings.home)
        shown: dict[str, Any] = {}
        if _champion(marketplace, vectors, encoder, settings):
            shown = _certify(_labelled_sample(marketplace, settings), settings)
        examples = [ad.model_dump(mode="json", exclude_none=True) for ad in _examples(marketplace, settings)]
        write_json(report, {"shown": shown, "examples": examples})


def _simulate(ads: int, home: Path) -> Path:
    folder = home / f"marketplace-{ads}-{SEED}"
    if (folder / "ads.parquet").is_file():
        heading(f"Simulated marketplace: {folder} is there")
        return folder
    heading(f"Simulating a marketplace of {ads:,} ads (made up, and marked so: nobody may ship real ones)")
    from adverdict.simulation import write_marketplace

    with Bars() as bars:
        bars.stage("simulating ads", ads)
        write_marketplace(folder, ads, SEED, bars, ADS_PER_ADVERTISER)
    return folder


def _champion(marketplace: Path, vectors: str, encoder: str, settings: Settings) -> bool:
    """Whether one was made; False when there was one."""
    from adverdict.models.registry import resolve
    from adverdict.training.encoder.tune import EncoderSettings
    from adverdict.training.fit.prepared import FitSettings
    from adverdict.training.fit.vectors import VectorSettings
    from adverdict.training.gates import counted
    from adverdict.training.promote import promote
    from adverdict.training.tracking.aliases import CHAMPION, aliased
    from adverdict.training.tracking.server import configure, ping
    from adverdict.training.train import TrainJob, train

    ping(configure(settings))
    if aliased(CHAMPION) is not None:
        heading(f"Champion: {resolve('models:/adverdict@champion')} is registered")
        return False
    heading("Training on words, facts and history; everything is tracked in MLflow")
    words = None if vectors == "none" else VectorSettings(vectors)
    chosen = None if encoder == "none" else EncoderSettings(encoder, max_tokens=64)
    with Bars() as bars:
        trained = train(
            TrainJob([marketplace], settings, fit=FitSettings(encoder=chosen, vectors=words), certify_share=CERTIFY_SHARE), bars
        )
    out.print(f"how good it is, on advertisers held back: {trained.report}", markup=False, highlight=False, soft_wrap=True)
    if trained.registered is None:
        raise AssertionError("a training that registers returns what it registered")
    with Bars() as bars:
        promoted = promote(trained.registered.uri, [], False, settings, bars)
    out.print(f"{counted(promoted.gates)}; {trained.registered.uri} is now models:/adverdict@champion")
    return True


def _labelled_sample(marketplace: Path, settings: Settings) -> Path:
    """A planned sample of ads of advertisers the model never saw, read by simulated reviewers."""
    from adverdict.rollout.sample import SampleJob, plan_labels
    from adverdict.rollout.simulated import read_by_reviewers

    heading("Planning which ads to label, one of an advertiser, and having simulated reviewers read them")
    with Bars() as bars:
        sample = plan_labels(SampleJob([marketplace], settings), bars)
    folder = settings.home / f"sample-{sample.name}"
    labels = read_by_reviewers(marketplace, sample, folder, SEED)
    out.print(
        f"{sample.plan.ads:,} ads drawn; {labels:,} simulated labels of them in {folder}", markup=False, highlight=False, soft_wrap=True
    )
    return folder


def _certify(sample: Path, settings: Settings) -> dict[str, Any]:
    """How many policies of how many are certified, in most of the ads they decide on, and the share of ads decided without a person."""
    from adverdict.rollout.certify import SolveJob, certified_policies, solve

    heading("Certifying thresholds on advertisers the model never saw; where too few labels show nothing they are provisional")
    with Bars() as bars:
        solved = solve(SolveJob([sample], settings), bars)
    found = certified_policies(solved.solution.certificates)
    _promised(solved, [policy for policy, is_so in found.items() if is_so])
    certified, auto = sum(found.values()), 1.0 - solved.solution.people
    out.print(f"{certified} of {len(found)} policies are certified to approve in most of the ads they decide on; ", highlight=False, end="")
    out.print(
        f"of {len(solved.sample.ads):,} ads {auto:.0%} are decided without a person, provisionally approved ones among them",
        highlight=False,
    )
    out.print(f"every threshold, and what is not shown of it: {solved.page}", markup=False, highlight=False, soft_wrap=True)
    return {"certified": certified, "policies": len(found), "auto_share": auto, "ads": len(solved.sample.ads)}


def _promised(solved: Solved, certified: list[str]) -> None:
    """What is promised of approvals under each certified policy, in its largest market, in two sentences."""
    for policy in certified:
        ours = (one for one in solved.solution.certificates if one.policy == policy and one.approve_below > 0 and one.served)
        widest: Certificate = max(ours, key=lambda one: one.traffic.ads)
        sentences = re.split(r"(?<=\.) (?=[A-Z])", widest.statement)
        out.print(f"[bold]{policy}[/] in {', '.join(widest.served)}: {' '.join(sentences[:2])}", highlight=False)


def _examples(marketplace: Path, settings: Settings) -> list[Ad]:
    """Three late ads of the marketplace: a harmless one that is approved, and two violating ones that are not, as far as there are such."""
    from adverdict.domain.verdict import Verdict
    from adverdict.scoring.bootstrap import bootstrap
    from adverdict.scoring.scorer import Scorer
    from adverdict.storage.tables.pack import read_pack

    pack = read_pack(marketplace)
    violating = {label.ad_id for label in pack.labels if label.violates}
    harmless = {label.ad_id for label in pack.labels} - violating
    late = [ad for ad in reversed(pack.ads) if ad.ad_id in harmless | violating][:LATE]
    decisions = Scorer.of(bootstrap(settings)).score(late, explain="none")
    approved = {ad.ad_id for ad, decision in zip(late, decisions, strict=True) if decision.verdict is Verdict.APPROVE}
    first = sorted((ad for ad in late if ad.ad_id in harmless), key=lambda ad: ad.ad_id not in approved)[:1]
    others = sorted((ad for ad in late if ad.ad_id in violating), key=lambda ad: ad.ad_id in approved)[:2]
    return [ad.model_copy(update={"ad_id": f"example-{i + 1}"}) for i, ad in enumerate([*first, *others])]


if __name__ == "__main__":
    typer.run(prepare)
