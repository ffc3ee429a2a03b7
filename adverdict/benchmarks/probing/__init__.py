"""What evaders learn by asking, with and without anybody noticing; and what a flood of false reports does: simulated."""
