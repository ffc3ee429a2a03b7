"""Bounds and tests that know of advertisers."""
