"""Everybody that the settings say is to be told of changes."""

from __future__ import annotations

from adverdict.delivery.channels import Channel, webhook
from adverdict.delivery.posting import Receiver
from adverdict.delivery.sinks import sinks_named
from adverdict.domain.settings import Settings
from adverdict.domain.values import names_of


def channels_of(settings: Settings) -> list[Channel]:
    """The platform's webhook where one is configured, then plug-ins. Raises InvalidSettings for plug-ins that are not there."""
    own = [webhook(Receiver(settings.changes_url, bytes.fromhex(settings.changes_secret)))] if settings.changes_url else []
    return [*own, *sinks_named(names_of(settings.sinks))]
