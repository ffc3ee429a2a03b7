"""What is wrong between the tables of one folder: ids that come twice, labels of no ad, labels older than their ad."""

from __future__ import annotations

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import Mistake
from adverdict.domain.votes import older_than_its_ad


def find_twice(ads: list[tuple[str, Ad]], found: list[Mistake]) -> None:
    """An id that comes twice is a mistake naming both rows."""
    known: dict[str, str] = {}
    for where, ad in ads:
        first = known.setdefault(ad.ad_id, where)
        if first is not where:
            found.append(Mistake("ad_id", ad.ad_id, f"an id used once; it is also in {first}", where))


def misplaced(ads: list[tuple[str, Ad]], labels: list[tuple[str, Label]]) -> list[Mistake]:
    """Labels about no ad of the pack, and those given before their ad was submitted."""
    known = {ad.ad_id: ad for _, ad in ads}
    found = []
    for where, label in labels:
        ad = known.get(label.ad_id)
        if ad is None:
            found.append(Mistake("ad_id", label.ad_id, "the id of an ad in the table of ads", where))
        elif early := older_than_its_ad(label, ad.submitted_at, where=where):
            found.append(early)
    return found
