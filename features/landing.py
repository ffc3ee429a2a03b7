"""A landing domain taken apart by the public suffix list that ``tldextract`` carries. Nothing is fetched and nothing is cached on disk."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tldextract import TLDExtract


@dataclass(frozen=True, slots=True)
class Landing:
    """``www.shop.example.co.uk``: subdomains ``www.shop``, name ``example``, suffix ``co.uk``."""

    subdomains: tuple[str, ...]
    name: str
    suffix: str
    """Empty for an address or a suffix nobody registers under."""
    is_address: bool

    @property
    def host(self) -> str:
        return ".".join(part for part in (*self.subdomains, self.name, self.suffix) if part)


@lru_cache(maxsize=4096)
def landing(domain: str) -> Landing:
    """Any text an advertiser gives as a domain; a whole URL is read too. Never raises."""
    try:
        parts = _extract()(f"[{domain}]" if domain.count(":") > 1 and not domain.startswith("[") else domain.strip().lower())
    except (ValueError, UnicodeError):
        return Landing((), domain, "", is_address=False)
    subdomains = tuple(part for part in parts.subdomain.split(".") if part)
    return Landing(subdomains, parts.domain, parts.suffix, _is_address(parts.domain))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


@cache
def _extract() -> TLDExtract:
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True)
