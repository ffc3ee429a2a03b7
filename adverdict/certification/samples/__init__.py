"""Which ads to label so that thresholds can be certified with the labels."""
