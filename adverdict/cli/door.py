"""The command line's edge: the environment is read here, with the options of the command over it, and handed down as settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adverdict.cli.console import errors_end_the_command

if TYPE_CHECKING:
    from adverdict.domain.settings import Settings
    from adverdict.ledger.store import Ledger


@contextmanager
def door(**options: Any) -> Iterator[Settings]:
    """The settings of a command; ``options`` by field, None where nobody gave one. Every command goes through here, also those that need
    no setting: a variable nobody reads is refused by all of them. Errors end the command."""
    with errors_end_the_command():
        from adverdict.domain.settings import read_settings

        yield read_settings(os.environ, options)


@contextmanager
def ledger_of(settings: Settings, *, create: bool = False) -> Iterator[Ledger]:
    """Their ledger, open meanwhile. Raises InvalidSettings where nothing is recorded, NotFound or Unavailable."""
    from adverdict.scoring.bootstrap import bootstrap

    ledger = bootstrap(settings).ledger(create=create)
    try:
        yield ledger
    finally:
        ledger.close()
