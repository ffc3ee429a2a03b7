"""Labelled ads to thresholds with a guarantee."""
