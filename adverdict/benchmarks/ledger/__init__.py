"""Whether the ledger keeps what it promises, and what it costs."""
