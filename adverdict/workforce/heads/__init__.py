"""How many people: the fewest that deadlines allow, several skills at once, and a twin of the queue that says how likely they suffice."""
