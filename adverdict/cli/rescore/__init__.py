"""``adverdict rescore``."""
