"""Copies of ads: fingerprints of words and pictures, clusters of what is much alike, and what a verdict on one says of the others."""
