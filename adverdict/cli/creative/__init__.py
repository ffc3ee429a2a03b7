"""``adverdict creatives`` and ``adverdict suitability``: what an ad shows, and beside what it may stand."""
