"""What happened, durably: an append-only, hash-chained record of decisions, labels, answers, appeals and rulings.

One folder because every file in it reads or writes the same chain: its entries, what is kept beside them, and what follows from both.
"""
