"""Every feature in words, for the reasons that a reviewer reads."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

from adverdict.domain import plugins

Phrase = Callable[[float | str], str]


def phrase(name: str, value: float | str | None) -> str:
    """What a feature's value says about the ad. ``value``: the number, or the level of a category; None or NaN where it is missing.

    Raises ``KeyError`` for a name that is no feature.
    """
    say = PHRASES[name] if name in PHRASES else _of_a_plugin(name)
    if value is None or (isinstance(value, float) and isnan(value)):
        return MISSING.get(name, f"{name.replace('_', ' ')} is not known")
    return say(value)


def _of_a_plugin(name: str) -> Phrase:
    if name not in plugins.installed(plugins.SIGNALS):
        raise KeyError(name)
    say: Phrase = plugins.plugin(plugins.SIGNALS, name).in_words
    return say


def number(value: float | str, digits: int = 3) -> str:
    """At most ``digits`` significant digits below a thousand, whole above; no exponent."""
    value = float(value)
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}" if abs(value) >= 0.001 else f"{value:.4f}".rstrip("0").rstrip(".")


def _count(one: str, many: str = "", before: str = "", after: str = "") -> Phrase:
    plural = many or f"{one}s"

    def say(value: float | str) -> str:
        return f"{before}{number(value)} {one if float(value) == 1 else plural}{after}"

    return say


def _share(what: str) -> Phrase:
    return lambda value: f"{100 * float(value):.0f} % {what}"


def _flag(yes: str, no: str) -> Phrase:
    return lambda value: yes if float(value) >= 0.5 else no


def _amount(template: str) -> Phrase:
    return lambda value: template.format(number(value))


def _level(template: str) -> Phrase:
    return lambda value: template.format(value) if isinstance(value, str) and value else template.format("something not seen in training")


def _capitals(value: float | str) -> str:
    share = float(value)
    how = "almost wholly" if share >= 0.7 else "largely" if share >= 0.4 else "partly" if share >= 0.15 else "hardly"
    return f"written {how} in capitals ({100 * share:.0f} %)"


def _rate(whose: str, under: str) -> Phrase:
    return lambda value: f"about {100 * float(value):.0f} % of {whose} earlier labels {under} were violations"


def _history(entity: str) -> dict[str, Phrase]:
    """The facts that advertiser, creative and landing domain have in common."""
    whose = {"advertiser": "the advertiser's", "creative": "this creative's", "domain": "this landing domain's"}[entity]
    who = {"advertiser": "the advertiser", "creative": "this creative", "domain": "this landing domain"}[entity]
    return {
        f"{entity}_ads_1d": _count("ad", before=f"{who} had ", after=" in the last day"),
        f"{entity}_ads_7d": _count("ad", before=f"{who} had ", after=" in the last 7 days"),
        f"{entity}_ads_28d": _count("ad", before=f"{who} had ", after=" in the last 28 days"),
        f"{entity}_ads_ever": _count("ad", before=f"{who} had ", after=" before"),
        f"{entity}_days_since_first_seen": _count("day", before=f"{who} was first seen ", after=" ago"),
        f"{entity}_days_since_last_ad": _count("day", before=f"{whose} last ad was ", after=" ago"),
        f"{entity}_labels_any": _count("label", before=f"{who} has ", after=" so far"),
        f"{entity}_violation_rate_any": _rate(whose, "under all policies"),
        f"{entity}_labels": _count("label", before=f"{who} has ", after=" under this policy so far"),
        f"{entity}_violation_rate": _rate(whose, "under this policy"),
    }


TEXT: dict[str, Phrase] = {
    "text_characters": _count("character", before="the text has "),
    "text_words": _count("word", before="the text has "),
    "text_sentences": _count("sentence", before="the text has "),
    "has_title": _flag("has a title", "has no title"),
    "has_body": _flag("has a body text", "has no body text"),
    "capitals_share": _capitals,
    "all_capitals_words_share": _share("of the words are in capitals only"),
    "digits_share": _share("of the characters are digits"),
    "currency_amounts": _count("time", before="names an amount of money "),
    "currency_words": _count("time", before="names a currency "),
    "percent_signs": _count("percent sign", before="has "),
    "exclamation_marks": _count("exclamation mark", before="has "),
    "question_marks": _count("question mark", before="has "),
    "emoji": _count("emoji", "emoji", before="has "),
    "urgent_words": _count("word", before="has ", after=" pressing for time"),
    "superlative_words": _count("word", before="has ", after=" promising the utmost"),
    "money_words": _count("word", before="has ", after=" about money"),
    "phone_numbers": _count("phone number", before="has "),
    "email_addresses": _count("e-mail address", "e-mail addresses", before="has "),
    "messengers": _count("time", before="names a messenger "),
    "links": _count("link", before="has ", after=" in its text"),
    "link_domains": _count("domain", before="its text links to "),
    "hashtags": _count("hashtag", before="has "),
    "mentions": _count("mention", before="has ", after=" of an account"),
    "scripts": _count("script", before="is written in "),
    "non_latin_share": _share("of the letters are of another script than Latin"),
    "mixed_script_words": _count("word", before="has ", after=" mixing scripts"),
    "undone_confusables": _count("letter", before="hides ", after=" behind look-alikes of another script"),
    "undone_styled": _count("letter", before="has ", after=" in fancy dress (mathematical, enclosed, small capitals)"),
    "undone_zero_width": _count("invisible character", before="hides "),
    "undone_bidi": _count("control", before="hides ", after=" that reorder text"),
    "undone_leet": _count("word", before="writes ", after=" with digits or signs for letters"),
    "undone_spaced": _count("word", before="writes ", after=" letter by letter"),
    "undone_repeated": _count("letter", before="repeats ", after=" to stretch words"),
    "distinct_words_share": _share("of the words are different ones"),
    "mean_word_length": _amount("words are {} letters long on average"),
    "repeated_pairs_share": _share("of the pairs of words are repetitions"),
    "placeholder_share": _share("of the words only name the slot (Advertisement, Sponsored…)"),
    "detected_language": _level("reads as language {}"),
    "detected_language_confidence": _share("sure of the language it reads as"),
    "language_not_as_stated": _flag("reads as another language than stated", "reads as the language stated"),
}

CREATIVE: dict[str, Phrase] = {
    "market": _level("is for market {}"),
    "surface": _level("is for surface {}"),
    "language": _level("is stated to be in language {}"),
    "creative_format": _level("has format {}"),
    "creative_category": _level("has category {}"),
    "creative_duration_s": _count("second", before="runs for "),
    "creative_width": _count("pixel", before="is ", after=" wide"),
    "creative_height": _count("pixel", before="is ", after=" high"),
    "creative_aspect_ratio": _amount("is {} times as wide as high"),
    "creative_n_images": _count("image", before="has "),
    "creative_made_for_kids": _flag("is stated to be made for kids", "is stated not to be made for kids"),
    "creative_skippable_share": _share("of its showings could be skipped"),
    "creative_has_ocr_text": _flag("has text in its picture", "has no text in its picture"),
    "keywords": _count("keyword", before="has "),
    "impressions": _count("impression", before="expects "),
    "advertiser_age_days": _count("day", before="the advertiser's account is ", after=" old"),
    "advertiser_verified": _flag("the advertiser is verified", "the advertiser is not verified"),
    "landing_suffix": lambda value: f"leads to a domain under .{value}" if value else "leads to no registered domain or one rarely seen",
    "landing_name_length": _count("character", before="the landing domain's name has "),
    "landing_subdomains": _count("subdomain", before="the landing domain has "),
    "landing_digits_share": _share("of the landing domain's name are digits"),
    "landing_hyphens": _count("hyphen", before="the landing domain has "),
    "landing_is_punycode": _flag("the landing domain has letters beyond a-z", "the landing domain is in plain letters"),
    "landing_is_address": _flag("leads to a bare IP address", "leads to a named domain"),
    "landing_borrows_brand": _flag("the landing domain borrows a brand's name", "the landing domain borrows no brand's name"),
}

HISTORY: dict[str, Phrase] = {
    **_history("advertiser"),
    **_history("creative"),
    **_history("domain"),
    "advertiser_markets": _count("market", before="the advertiser advertised in ", after=" before"),
    "advertiser_domains": _count("landing domain", before="the advertiser used ", after=" before"),
    "advertiser_formats": _count("format", before="the advertiser's ads had ", after=" before"),
    "advertiser_categories": _count("category", "categories", before="the advertiser's ads had ", after=" before"),
    "advertiser_surfaces": _count("surface", before="the advertiser's ads were for ", after=" before"),
    "creative_advertisers": _count("advertiser", before="this creative was used by ", after=" before"),
    "creative_rejected_before": _flag("this creative was found violating before", "this creative was not found violating before"),
    "domain_advertisers": _count("advertiser", before="this landing domain was used by ", after=" before"),
    "domain_rejected_before": _flag(
        "an ad leading to this domain was found violating before", "no ad leading to this domain was found violating before"
    ),
    "market_violation_rate_any": _rate("this market's", "under all policies"),
    "market_violation_rate": _rate("this market's", "under this policy"),
}

PHRASES: dict[str, Phrase] = {**TEXT, **CREATIVE, **HISTORY}

MISSING: dict[str, str] = {
    "advertiser_days_since_first_seen": "the advertiser was never seen before",
    "advertiser_days_since_last_ad": "the advertiser was never seen before",
    "creative_days_since_first_seen": "this creative was never seen before",
    "creative_days_since_last_ad": "this creative was never seen before",
    "domain_days_since_first_seen": "this landing domain was never seen before",
    "domain_days_since_last_ad": "this landing domain was never seen before",
    "capitals_share": "has no letters",
    "detected_language": "has no text",
    "keywords": "states no keywords",
    "surface": "states no surface",
    "language": "states no language",
    "creative_format": "states no format",
    "creative_category": "states no category",
    "landing_suffix": "states no landing domain",
}
