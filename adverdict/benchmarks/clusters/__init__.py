"""Whether copies are found, and what carrying verdicts to them does, where the truth is known: simulated."""
