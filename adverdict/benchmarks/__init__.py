"""What is measured, beside what it is measured against; run by ``adverdict benchmark``."""
