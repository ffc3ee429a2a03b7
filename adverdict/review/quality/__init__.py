"""How good decisions and reviewers are, as far as audits, golden tasks and second readings tell."""
