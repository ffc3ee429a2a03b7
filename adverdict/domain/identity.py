"""One name for one thing, however it was written: the normal form of a domain, a category, a surface, a format and a language tag.

What an ad said stays on record as it was said. Whoever compares, counts or looks up goes by these: policies, features, n-grams, history
and queues alike, or a spelling would shed a past, a policy or a queue. Each form is the form of itself.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b

import idna
from langcodes import Language, standardize_tag, tag_distance
from langcodes.tag_parser import LanguageTagError

SCHEME = re.compile(r"\A(?:[a-z][a-z0-9+.-]*:)?[/\\]{2,}|\A(?:https?|hxxps?):")
"""Of an address; without one it begins with the host."""
AFTER_HOST = re.compile(r"[/\\?#]")
PORT = re.compile(r":\d*\Z")
DOTS = str.maketrans("\u3002\uff0e\uff61\u2024", "....")
"""What is read as a dot between labels (UTS 46), and the one-dot leader."""
INVISIBLE = re.compile("[\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]")
"""What nobody sees in a name."""
BLANK = re.compile(r"\s+")
SEVERAL_DOTS = re.compile(r"\.{2,}")
PARTS = re.compile(r"[\s_\-/]+")
NORWEGIAN = {"nb": "no", "nn": "no"}
"""Both written forms are read as Norwegian; CLDR keeps them apart from the macrolanguage."""
AS_GOOD_AS = 14
"""CLDR's distance up to which readers take one language for another: Croatian and Bosnian, Danish and Norwegian, Indonesian and Malay."""


@lru_cache(maxsize=65_536)
def domain_key(written: str | None) -> str | None:
    """A landing domain's one name: small ASCII letters (IDNA), without scheme, account, port, path, ``www.`` and the root's dot.

    An address is its own name. None where no host is left.
    """
    host = _host(written or "")
    if not host:
        return None
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    name = _ascii(host)
    while name.startswith("www.") and "." in name[4:]:
        name = name[4:]
    return name or None


@lru_cache(maxsize=65_536)
def word_key(written: str | None) -> str | None:
    """A category, format or other word of a list: ``Casual-Games``, `` casual games`` and ``CASUAL_GAMES`` are ``casual_games``."""
    text = unicodedata.normalize("NFKC", INVISIBLE.sub("", written or "")).casefold()
    return PARTS.sub("_", unicodedata.normalize("NFKC", text)).strip("_") or None


def surface_key(written: str | None) -> str:
    """A surface as policy files spell it; empty where none is stated: a misspelt ``Kids-Video`` must not lose its policies."""
    return word_key(written) or ""


@lru_cache(maxsize=4096)
def language_key(tag: str | None) -> str | None:
    """The primary language of a BCP 47 tag: ``de`` of ``de-AT``, ``zh`` of ``zh_Hant_TW`` and ``cmn``, ``he`` of ``iw``, ``no`` of ``nb``.

    None for what is no tag of a language.
    """
    said = BLANK.sub("", INVISIBLE.sub("", tag or "")).replace("_", "-")
    try:
        language = Language.get(standardize_tag(said, macro=True)).language
    except (LanguageTagError, ValueError):
        return None
    return None if language in (None, "und", "mul", "zxx") else NORWEGIAN.get(str(language), str(language))


@lru_cache(maxsize=4096)
def same_language(one: str, other: str) -> bool:
    """Whether two tags name one language, or two that are read as each other."""
    first, second = language_key(one), language_key(other)
    if first is None or second is None:
        return False
    return first == second or min(tag_distance(first, second), tag_distance(second, first)) <= AS_GOOD_AS


def _host(written: str) -> str:
    text = BLANK.sub("", INVISIBLE.sub("", unicodedata.normalize("NFKC", written.translate(DOTS)))).lower()
    text = AFTER_HOST.split(SCHEME.sub("", text, count=1), maxsplit=1)[0]
    text = text.rpartition("@")[2]
    if text.count(":") > 1 and not text.startswith("["):
        return text  # an IPv6 address without its brackets
    return SEVERAL_DOTS.sub(".", PORT.sub("", text)).strip(".")


def _ascii(host: str) -> str:
    """Letters beyond ASCII as browsers encode them (UTS 46), emoji too, which no registry would take."""
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True, std3_rules=False, transitional=False).decode("ascii")
    except idna.IDNAError:
        return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}" for label in host.split("."))


def number_of(name: str) -> int:
    """A signed 64-bit number that stands for an advertiser or an ad where it is to be told apart and not named."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8, person=b"monitoring").digest(), signed=True)
