"""The ledger of the settings, for every command that reads or writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adverdict.ledger.store import Ledger


def open_ledger(*, create: bool = False) -> Ledger:
    """That of the settings. Raises InvalidSettings, NotFound or Unavailable."""
    import os

    from adverdict.domain.errors import InvalidSettings, Mistake
    from adverdict.domain.settings import read_settings
    from adverdict.ledger.store import Ledger

    url = read_settings(os.environ).ledger_url
    if url is None:
        raise InvalidSettings("there is no ledger:", [Mistake("ADVERDICT_DATABASE_URL", "none", "the URL of a database")])
    return Ledger.open(url, create=create)
