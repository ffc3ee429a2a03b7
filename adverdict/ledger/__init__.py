"""What happened, durably: an append-only, hash-chained record of decisions, labels, answers, appeals and rulings."""
