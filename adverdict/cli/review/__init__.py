"""``adverdict review`` and ``adverdict report``."""
