"""``adverdict quickstart``: from nothing to a decision over HTTP, on simulated data."""
