"""Which ads are to be decided again, and reading them."""
