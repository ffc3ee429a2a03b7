"""What an ad says, as text: normalised, then as signals and n-grams."""
