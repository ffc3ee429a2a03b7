"""The words everybody uses: an ad, a label, a risk, a verdict, a decision, an error.

One folder because they are one vocabulary: every room takes some of them, and none of them takes a room.
"""
