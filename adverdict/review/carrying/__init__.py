"""Carrying people's verdicts to copies: how far, by what was read blind; and taking verdicts back with all that was carried from them."""
