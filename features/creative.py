"""Facts about the creative, where it would be shown, who pays and where it leads. A function's name is the fact's name.

Numbers are raw (trees need no logarithm); what the ad does not state is NaN, for a category None.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan

from adverdict.domain.ad import Ad
from adverdict.domain.identity import domain_key, language_key, word_key
from adverdict.features.landing import Landing, landing
from adverdict.features.text.lexicon import BRANDS

CreativeFact = Callable[[Ad], float | str | None]
CREATIVE_FACTS: dict[str, CreativeFact] = {}
"""Name -> fact, in the order of this file."""
CREATIVE_CATEGORIES = frozenset(["market", "surface", "language", "creative_format", "creative_category", "landing_suffix"])
"""The facts that are a category and not a number."""

SECONDS_A_DAY = 86_400


def fact(function: Callable[[Ad], float | str | None]) -> Callable[[Ad], float | str | None]:
    CREATIVE_FACTS[function.__name__] = function
    return function


def _number(value: float | None) -> float:
    return nan if value is None else value


def _landing(ad: Ad) -> Landing | None:
    domain = domain_key(ad.landing_domain)
    return None if domain is None else landing(domain)


@fact
def market(ad: Ad) -> str:
    return ad.market


@fact
def surface(ad: Ad) -> str | None:
    return word_key(ad.surface)


@fact
def language(ad: Ad) -> str | None:
    """The stated language without its region: ``pt-BR`` and ``pt`` are one."""
    return language_key(ad.language)


@fact
def creative_format(ad: Ad) -> str | None:
    return word_key(ad.creative_format)


@fact
def creative_category(ad: Ad) -> str | None:
    return word_key(ad.creative_category)


@fact
def creative_duration_s(ad: Ad) -> float:
    return _number(ad.creative_duration_s)


@fact
def creative_width(ad: Ad) -> float:
    """Pixels."""
    return _number(ad.creative_width)


@fact
def creative_height(ad: Ad) -> float:
    """Pixels."""
    return _number(ad.creative_height)


@fact
def creative_aspect_ratio(ad: Ad) -> float:
    """Width over height."""
    if not ad.creative_width or not ad.creative_height:
        return nan
    ratio = ad.creative_width / ad.creative_height
    return ratio if ratio != float("inf") else nan


@fact
def creative_n_images(ad: Ad) -> float:
    return _number(ad.creative_n_images)


@fact
def creative_made_for_kids(ad: Ad) -> float:
    return _number(ad.creative_made_for_kids)


@fact
def creative_skippable_share(ad: Ad) -> float:
    return _number(ad.creative_skippable_share)


@fact
def creative_has_ocr_text(ad: Ad) -> float:
    return ad.creative_ocr_text is not None


@fact
def keywords(ad: Ad) -> float:
    """How many there are; NaN when none were stated."""
    return nan if ad.keywords is None else len(ad.keywords)


@fact
def impressions(ad: Ad) -> float:
    return _number(ad.impressions)


@fact
def advertiser_age_days(ad: Ad) -> float:
    """Days from the advertiser's account to this ad; negative where the clocks disagree."""
    if ad.advertiser_created_at is None:
        return nan
    return (ad.submitted_at - ad.advertiser_created_at).total_seconds() / SECONDS_A_DAY


@fact
def advertiser_verified(ad: Ad) -> float:
    return _number(ad.advertiser_verified)


@fact
def landing_suffix(ad: Ad) -> str | None:
    """The public suffix, such as ``co.uk``; empty for an address."""
    found = _landing(ad)
    return None if found is None else found.suffix


@fact
def landing_name_length(ad: Ad) -> float:
    """Characters of the registered name, without suffix and subdomains."""
    found = _landing(ad)
    return nan if found is None else len(found.name)


@fact
def landing_subdomains(ad: Ad) -> float:
    """Labels before the registered name, ``www`` not counted."""
    found = _landing(ad)
    return nan if found is None else len(found.subdomains) - (found.subdomains[:1] == ("www",))


@fact
def landing_digits_share(ad: Ad) -> float:
    found = _landing(ad)
    return nan if found is None or not found.name else sum(map(str.isdigit, found.name)) / len(found.name)


@fact
def landing_hyphens(ad: Ad) -> float:
    found = _landing(ad)
    return nan if found is None else found.host.count("-")


@fact
def landing_is_punycode(ad: Ad) -> float:
    """1 when the name is written in letters beyond ASCII, encoded or not."""
    found = _landing(ad)
    return nan if found is None else "xn--" in found.host or not found.host.isascii()


@fact
def landing_is_address(ad: Ad) -> float:
    """1 when it is an IP address and no name."""
    found = _landing(ad)
    return nan if found is None else found.is_address


@fact
def landing_borrows_brand(ad: Ad) -> float:
    """1 when a well-known brand stands in the subdomains, or beside other words in a name that is not the brand's own."""
    found = _landing(ad)
    if found is None:
        return nan
    before = {word for label in found.subdomains for word in label.split("-")}
    words = set(found.name.split("-"))
    return bool(before & BRANDS and found.name not in BRANDS) or bool(words & BRANDS and len(words) > 1)
