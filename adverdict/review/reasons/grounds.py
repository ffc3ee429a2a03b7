"""What our policies are called in the European Commission's DSA Transparency Database, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Category(StrEnum):
    """``category`` of the database's schema as revised in 2025, after Annex I of Implementing Regulation (EU) 2024/2835."""

    ANIMAL_WELFARE = "STATEMENT_CATEGORY_ANIMAL_WELFARE"
    CONSUMER_INFORMATION = "STATEMENT_CATEGORY_CONSUMER_INFORMATION"
    CYBER_VIOLENCE = "STATEMENT_CATEGORY_CYBER_VIOLENCE"
    CYBER_VIOLENCE_AGAINST_WOMEN = "STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN"
    DATA_PROTECTION = "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS"
    SPEECH = "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
    INTELLECTUAL_PROPERTY = "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS"
    CIVIC_DISCOURSE = "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS"
    OTHER = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
    MINORS = "STATEMENT_CATEGORY_PROTECTION_OF_MINORS"
    PUBLIC_SECURITY = "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY"
    SCAMS = "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"
    SELF_HARM = "STATEMENT_CATEGORY_SELF_HARM"
    PRODUCTS = "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS"
    VIOLENCE = "STATEMENT_CATEGORY_VIOLENCE"


CATEGORIES: Mapping[str, Category] = {
    "deceptive": Category.CONSUMER_INFORMATION,
    "gambling": Category.OTHER,
    "kids_unsuitable": Category.MINORS,
    "political_issue": Category.CIVIC_DISCOURSE,
    "counterfeit": Category.INTELLECTUAL_PROPERTY,
    "weapons": Category.PRODUCTS,
    "adult": Category.OTHER,
    "phishing": Category.SCAMS,
}
"""By policy of the packaged files. Any other policy is a rule of the platform's own and nothing more is claimed of it: ``OTHER``."""

_CODES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO"
UNION = frozenset(_CODES.split())
"""Where the DSA applies and ``territorial_scope`` may name: the Union's members, and Iceland, Liechtenstein and Norway (ISO 3166-1)."""


def category(policy: str) -> Category:
    return CATEGORIES.get(policy, Category.OTHER)
