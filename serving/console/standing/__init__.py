"""What decides now: the model in service, its thresholds and how they stand, and the reports of it."""
