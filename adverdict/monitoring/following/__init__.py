"""Following the chain: what detectors look at, counted entry by entry, kept, and made anew at any time."""
