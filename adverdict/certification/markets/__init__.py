"""A market that nobody labelled an ad of."""
