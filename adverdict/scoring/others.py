"""Bundles beside the one in service, for whoever decides without a service: those that a roll-out tries, opened when an ad asks for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from adverdict.domain.errors import NotFound

if TYPE_CHECKING:
    from adverdict.certification.certificate import Issued
    from adverdict.models.opening import FoundModel
    from adverdict.scoring.bootstrap import Installation
    from adverdict.scoring.model import Model

One = TypeVar("One")


class OtherBundles(Generic[One]):
    """``sources``: bundle version -> the registered model that it is had from. ``make``: a model -> what decides by it."""

    def __init__(self, installation: Installation, sources: Mapping[str, str], make: Callable[[Model], One]) -> None:
        self._installation = installation
        self._sources = sources
        self._make = make
        self._found: dict[str, FoundModel] = {}
        self._made: dict[str, One] = {}

    def __call__(self, bundle: str) -> One | None:
        """By that bundle; None where nobody tries it, or it is gone. Raises Unavailable, UntrustedBundle or ContractMismatch."""
        if bundle not in self._made:
            try:
                found = self._installation.find(self._sources[bundle])
            except (KeyError, NotFound):
                return None
            opened = self._installation.open_bundle(found.folder)
            if opened.version != bundle:  # a registry begun anew has another one under this name: that is not what is tried
                return None
            self._found[bundle], self._made[bundle] = found, self._make(opened)
        return self._made[bundle]

    def issued(self, bundle: str | None, policies: str, own: FoundModel) -> Issued | None:
        """The certificates that a bundle decides by under these policies; those of ``own`` for one that is not among these."""
        return self._found.get(bundle or "", own).issued(policies)
