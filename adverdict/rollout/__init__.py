"""A policy's or a model's way into force: certified thresholds, what-if, a market's opening."""
