"""Invented brands and domains. Every domain is under ``.example`` (RFC 2606), so none can exist."""

from __future__ import annotations


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


BRANDS = _words(
    "Velmora Kestrane Orluna Tavinor Belquist Dromera Quillaby Sarnevo Ulvanta Morrith Pelligon Zanthe Corvessa Lumbrick Haveny Ostrella "
    "Fennwick Jaspera Nordaline Yverra Caldoro Brisenne Wexalor Thornaby"
)
"""Brands that counterfeiters copy and phishers pretend to be; a few honest advertisers own them."""

_HEADS = _words("bel cor dan fen gri hal jor kel lum mar nor ost pel quin ros sol tam ulv ves wil yar zel bram tor")
_TAILS = _words("avia bello core dale enna ford gard holm ina joy kin land mere nest ora park quist rida stone tern una vale wick zone")
_WORDS = _words("daily best top smart get my super the free real go mega fast deal info club zone news hub world plus now life one")


def company(key: int) -> str:
    """The name of an advertiser's own company, such as ``Fenquist``."""
    return _HEADS[key % 24].capitalize() + _TAILS[(key >> 8) % 24] + ("" if key >> 16 & 3 else f" {_HEADS[(key >> 24) % 24].capitalize()}")


def slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def own_domain(name: str) -> str:
    return f"{slug(name)}.example"


def throwaway_domain(key: int, brand: str) -> str:
    """A domain of an advertiser who does not want to be found: made of common words, at times with a known brand in it."""
    first, second = _WORDS[key % 24], _WORDS[(key >> 8) % 24]
    number = (key >> 16) % 90 + 10
    return f"{slug(brand)}-{second}{number}.example" if key >> 24 & 1 else f"{first}-{second}-{number}.example"
