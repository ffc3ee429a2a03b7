"""The way back: the champion before becomes the champion again, without labels and without gates, because something is wrong now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.training.tracking.aliases import CHAMPION, NAME, PREVIOUS, aliased
from adverdict.training.tracking.server import answers
from adverdict.training.tracking.store import Store

ROLLED_BACK = "rolled_back"
"""Begins the tags of a version that was taken out of service: to which one, when, by whom and why."""


@dataclass(frozen=True)
class RolledBack:
    """Versions of the registered model."""

    before: str
    """Champion until now."""
    now: str


def rollback(store: Store, why: str, by: str, at: datetime) -> RolledBack:
    """Make ``previous`` the champion again; the version left is tagged with when, by whom and why.

    The alias moves first and in one step, so whoever asks gets one champion or the other. Afterwards nothing is ``previous``: a second
    rollback would lead back to what was left. Raises InvalidInput without a reason, NotFound where there is nothing to go back to, or
    Unavailable.
    """
    from mlflow import MlflowClient

    if not why.strip():
        raise InvalidInput("nothing was rolled back:", [Mistake("--why", why, "a reason: it stays with the version")])
    champion, previous = aliased(CHAMPION), aliased(PREVIOUS)
    if champion is None:
        raise NotFound(f"there is no champion of {NAME} to roll back: 'adverdict promote' makes one")
    if previous in (None, champion):
        another = f"'adverdict promote --model models:/{NAME}/VERSION' makes another version the champion"
        raise NotFound(f"there is nothing to go back to from version {champion}: none was champion before it, or it was left; {another}")
    assert previous is not None
    tags = {"to": previous, "at": at.isoformat(), "by": by, "why": why.strip()}
    with answers(store.uri):
        client = MlflowClient()
        client.get_model_version(NAME, previous)  # one that was deleted is not gone back to
        client.set_registered_model_alias(NAME, CHAMPION, previous)
        for name, value in tags.items():
            client.set_model_version_tag(NAME, champion, f"{ROLLED_BACK}_{name}", value)
        client.delete_registered_model_alias(NAME, PREVIOUS)
    return RolledBack(champion, previous)
