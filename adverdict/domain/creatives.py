"""The settings of creatives, as they are written: hosts, folders, object stores, and the address where people find one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

from adverdict.domain.ad import Ad

HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](:[0-9]{1,5})?")
STORE = re.compile(r"[a-z][a-z0-9+.-]*://[^\s?#\\]+")
PLACES = ("ad_id", "advertiser_id", "creative_id", "creative_uri", "market")
"""Fields of an ad that a link may hold, in braces."""
FIELD = re.compile(r"\{([^{}]*)\}")


def hosts_of(text: str) -> tuple[str, ...]:
    """Raises ValueError saying what was expected."""
    hosts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not all(HOST.fullmatch(one) for one in hosts):
        raise ValueError("names of hosts, separated by commas, such as cdn.example.com or *.cdn.example.com; no address of numbers")
    return hosts


def folders_of(text: str) -> tuple[str, ...]:
    """Raises ValueError saying what was expected."""
    folders = tuple(part for part in text.split(os.pathsep) if part.strip())
    if not all(Path(one).is_absolute() and Path(one).is_dir() and Path(one).resolve() != Path("/") for one in folders):
        raise ValueError(f"whole paths of folders that exist, none of them /, separated by {os.pathsep}")
    return folders


def stores_of(text: str) -> tuple[str, ...]:
    """Raises ValueError saying what was expected."""
    stores = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    wrong = [one for one in stores if not STORE.fullmatch(one) or one.startswith(("http:", "https:", "file:")) or _has_user(one)]
    if wrong:
        raise ValueError("addresses of folders in object stores, separated by commas, such as s3://bucket/creatives; no password in them")
    return stores


def link_of(text: str) -> str:
    """The template of a link, checked. Raises ValueError saying what was expected."""
    if not text:
        return text
    unknown = [name for name in FIELD.findall(text) if name not in PLACES]
    parts = urlsplit(FIELD.sub("x", text))
    if unknown or "{" in FIELD.sub("", text) or "}" in FIELD.sub("", text) or parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"an https address in which braces stand for fields of the ad: {', '.join(PLACES)}")
    if FIELD.search(text.split("/", 3)[2]):
        raise ValueError("an https address whose host is fixed: fields stand behind it, never in it")
    return text


def link_to(template: str, ad: Ad) -> str | None:
    """Where people find an ad's creative; None where the template asks for what the ad does not say."""
    values = {name: getattr(ad, name) for name in FIELD.findall(template)}
    if not template or not all(values.values()):
        return None
    return FIELD.sub(lambda found: quote(str(values[found[1]]), safe=""), template)


def _has_user(address: str) -> bool:
    parts = urlsplit(address)
    return parts.password is not None or parts.username is not None
