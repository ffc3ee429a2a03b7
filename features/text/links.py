"""Where a text leads: its links, by the public suffix list that ``tldextract`` carries, also where they are written around."""

from __future__ import annotations

import re

from adverdict.domain.identity import domain_key
from adverdict.features.landing import landing

MAYBE_A_LINK = re.compile(r"://|www\.|[^\W_]\.[^\W\d_]|\[?\(?(?:\bdot|\.)[\])]| dot ")
"""Found wherever there is a link, and in a fraction of the time."""
DOT = re.compile(r"\s?[\[({<]\s?(?:\.|dot|punkt|point|punto)\s?[\])}>]\s?")
"""``shop[.]example``, ``shop (dot) example``."""
SAID_DOT = re.compile(r"(?<=[^\W_]) (?:dot|punkt|punto) (?=(?:com|net|org|info|shop|co|io|de|se|uk)\b)")
DEFANGED = re.compile(r"\bhxxp(s?)\b(?=:)")
HOST = r"[^\W_](?:[\w-]{0,62})"
LINK = re.compile(
    rf"(?P<sure>[a-z]{{2,10}}://|www\.)(?P<full>[^\s/?#\"'<>()\[\]]++)|(?<![\w@.-])(?P<bare>{HOST}(?:\.{HOST}){{1,5}}+)(?![\w@])(?P<path>/)?"
)
RESERVED = frozenset(["example"])
"""Domains for documentation (RFC 2606), which no list of registries has."""
EVERYWHERE = frozenset(["com", "net", "org"])
"""Suffixes that are written with a capital, too, and begin no sentence."""


def domains(text: str, raw: str) -> list[str]:
    """The domain each link leads to, by its one name; as often as they are there. ``text`` normalised, ``raw`` as it came: a full stop
    without a blank after it (``apply.In India``) is none."""
    if MAYBE_A_LINK.search(text) is None:
        return []
    text = DEFANGED.sub(r"http\1", SAID_DOT.sub(".", DOT.sub(".", text)))
    found = []
    for match in LINK.finditer(text):
        if match["sure"]:
            host = domain_key(match["full"])
            found += [host] if host else []
        elif _leads_somewhere(match["bare"], raw, match["path"] is not None):
            found += [key for key in [domain_key(match["bare"])] if key]
    return found


def _leads_somewhere(host: str, raw: str, has_path: bool) -> bool:
    parts = landing(host)
    suffix = parts.suffix or host.rpartition(".")[2]
    if not (parts.suffix and parts.name) and suffix not in RESERVED:
        return False
    name = parts.name or host.split(".", 1)[0]
    if has_path:
        return True
    if not any(map(str.isalpha, name)) and suffix not in EVERYWHERE:
        return False
    return suffix in EVERYWHERE | RESERVED or f"{name}.{suffix[0].upper()}{suffix[1:]}" not in _with_small_names(raw, name)


def _with_small_names(raw: str, name: str) -> str:
    """``raw`` with the name in small letters wherever it stands, its suffix as it came."""
    return re.sub(re.escape(name), name, raw, flags=re.IGNORECASE)
