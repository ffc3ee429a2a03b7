"""``adverdict policy``."""
