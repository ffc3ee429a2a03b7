"""The words everybody uses: an ad, a label, a risk, a verdict, a decision, an error.

One folder because they are one vocabulary: each file has a word or two, and nothing here stands on anything but the others.
"""
