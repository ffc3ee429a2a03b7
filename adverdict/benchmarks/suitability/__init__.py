"""Whether told tiers are as seldom wrong as certified, and what the rule on branded content finds, where the truth is simulated."""
