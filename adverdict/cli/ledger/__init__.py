"""``adverdict ledger``."""
