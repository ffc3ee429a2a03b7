"""What entries of one subject say; ``ledger.entries`` has them all."""
