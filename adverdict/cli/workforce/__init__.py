"""``adverdict workforce``."""
