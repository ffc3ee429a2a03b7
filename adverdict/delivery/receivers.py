"""Everybody that the settings and what is installed say is to be told of changes."""

from __future__ import annotations

from adverdict.delivery import sinks
from adverdict.delivery.channels import Channel, webhook
from adverdict.delivery.posting import Receiver
from adverdict.domain.settings import Settings


def channels_of(settings: Settings) -> list[Channel]:
    """The platform's webhook where one is configured, then plug-ins."""
    own = [webhook(Receiver(settings.changes_url, bytes.fromhex(settings.changes_secret)))] if settings.changes_url else []
    return [*own, *sinks.installed()]
