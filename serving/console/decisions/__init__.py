"""Decisions on record."""
