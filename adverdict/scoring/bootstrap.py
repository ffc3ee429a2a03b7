"""The composition root: settings to the parts that every door works with. Tests hand in fakes for what reaches outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import InvalidSettings, Mistake, NotFound
from adverdict.domain.settings import Settings
from adverdict.domain.values import variable
from adverdict.ledger.store import Ledger
from adverdict.models.opening import FoundModel, MlflowRegistry, Registry, find_model
from adverdict.models.registry import use_registry
from adverdict.review.tasks.settings import ReviewSettings

if TYPE_CHECKING:
    from adverdict.scoring.model import Model


@dataclass(frozen=True)
class Installation:
    """One set of settings, and what they come to. Nothing is opened before it is asked for."""

    settings: Settings
    registry: Registry
    open_bundle: Callable[[Path], Model]
    """Folder -> model. Raises NotFound, UntrustedBundle or ContractMismatch."""

    @cached_property
    def book(self) -> PolicyBook:
        """The policies in force. Raises InvalidPolicy with every mistake."""
        return read_policies(self.settings.policies)

    @cached_property
    def review(self) -> ReviewSettings:
        return ReviewSettings.of(self.settings)

    def find(self, model: str | None = None) -> FoundModel:
        """The model of the settings, unless another is named. Raises NotFound, Unavailable or UntrustedBundle."""
        return find_model(model or self.settings.model, self.settings, self.registry)

    def ledger(self, *, create: bool = False) -> Ledger:
        """The ledger, open; its caller closes it. Raises InvalidSettings where nothing is recorded, NotFound or Unavailable."""
        url = self.settings.ledger_url
        if url is None:
            raise InvalidSettings("there is no ledger:", [Mistake(variable("database_url"), "none", "the URL of a database")])
        return Ledger.open(url, create=create)

    def in_force(self) -> PolicyBook:
        """The policies that the ledger says are in force; those of the files where it says nothing. Raises Unavailable."""
        from adverdict.ledger.in_force.rollouts import rollouts_now

        try:
            ledger = self.ledger()
        except (InvalidSettings, NotFound):
            return self.book
        try:
            policies = rollouts_now(ledger).policies
            known = policies is None or policies == self.book.hash
            return self.book if known or policies is None else PolicyBook.from_json(ledger.recall("policies", policies))
        finally:
            ledger.close()

    def recall(self, kind: str, digest: str) -> bytes:
        """What the ledger keeps. Raises NotFound, also where there is no ledger; Unavailable."""
        try:
            ledger = self.ledger()
        except InvalidSettings as error:
            raise NotFound(str(error)) from error
        try:
            return ledger.recall(kind, digest)
        finally:
            ledger.close()

    def audit_secret(self) -> bytes | None:
        """By which ads are drawn for the audit stream: the ledger's, or where there is none, that of the settings. Raises Unavailable."""
        from adverdict.ledger.audit_secret import audit_secret

        try:
            ledger = self.ledger()
        except (InvalidSettings, NotFound):
            return self.settings.audit_key
        try:
            return audit_secret(ledger)
        finally:
            ledger.close()


def bootstrap(settings: Settings, *, registry: Registry | None = None, open_bundle: Callable[[Path], Model] | None = None) -> Installation:
    """The parts for these settings; MLflow of this process looks where they say. ``registry`` and ``open_bundle`` are MLflow's and the
    bundle's own unless given."""
    use_registry(settings)
    return Installation(settings, registry or MlflowRegistry(settings.certificates, key=settings.signing_key), open_bundle or _opened)


def _opened(folder: Path) -> Model:
    from adverdict.scoring.opened import open_bundle  # brings the model libraries

    return open_bundle(folder)
