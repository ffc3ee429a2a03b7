"""What texts and ads were made into, kept for the next training."""
