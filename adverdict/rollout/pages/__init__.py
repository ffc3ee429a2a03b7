"""The page of a set of certificates."""
