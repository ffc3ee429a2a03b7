"""``adverdict benchmark``: one file a command."""
