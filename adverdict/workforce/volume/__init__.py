"""What came in and what it made of work: submissions, tasks, seconds and waits, counted from the ledger."""
