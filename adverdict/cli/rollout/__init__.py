"""`adverdict rollout`."""
