"""How many people the next weeks need, and what a change does to it: volume, handling times, heads, plans and their scores."""
