"""The hottest loops of adverdict in C++. Not to be used by itself: ``adverdict`` uses it where it is installed."""

from adverdict_native._core import API, Forest, Language, Ngrams, Reader, character_columns

__all__ = ["API", "Forest", "Language", "Ngrams", "Reader", "character_columns"]
