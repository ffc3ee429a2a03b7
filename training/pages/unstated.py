"""What it costs that ads do not state their advertiser, time or market, in words for whoever reads the figures."""

from __future__ import annotations

from collections.abc import Mapping

from adverdict.domain.formats import counted

NAMES = {"advertiser_id": "advertiser", "submitted_at": "time", "market": "market"}
COSTS = {
    "advertiser_id": "Nothing is known of their advertisers' pasts. They were held back by their text, so ads of one advertiser may be "
    "both among those trained on and among those reported on: for advertisers that the model has never seen, the figures are too good "
    "and the intervals too narrow.",
    "submitted_at": "Nothing was learnt from what came before them.",
    "market": "Their risks are calibrated together, as those of one market, and only the rules that hold in all markets decide.",
}


def costs(unstated: Mapping[str, int], ads: int) -> list[str]:
    """A paragraph for each field that some of the labelled ``ads`` do not state, of ``Dataset.unstated``; none where all state all."""
    return [f"{_which(unstated[name], ads)} no {NAMES[name]}. {cost}" for name, cost in COSTS.items() if unstated.get(name)]


def whom(unstated: Mapping[str, int], ads: int) -> str:
    """Whose ads are held back and drawn together."""
    n = unstated.get("advertiser_id", 0)
    return "advertisers" if not n else "different texts" if n == ads else "advertisers and different texts"


def _which(n: int, ads: int) -> str:
    return f"All {ads:,} ads state" if n == ads else f"{n:,} of {counted(ads, 'ad')} {'states' if n == 1 else 'state'}"
