"""Branded content that does not say so: a policy whose risk a rule says."""
