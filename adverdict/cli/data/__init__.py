"""``adverdict data``."""
