"""The hottest loops of adverdict in C++. Not to be used by itself: ``adverdict`` uses it where it is installed."""

from adverdict_native._core import (
    API,
    Copies,
    Forest,
    Language,
    Ngrams,
    Reader,
    bucket_claim,
    bucket_find,
    bucket_met,
    character_columns,
    look_at,
)

__all__ = [
    "API",
    "Copies",
    "Forest",
    "Language",
    "Ngrams",
    "Reader",
    "bucket_claim",
    "bucket_find",
    "bucket_met",
    "character_columns",
    "look_at",
]
