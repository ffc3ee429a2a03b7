"""Alarms, drift and emerging kinds where the truth is known: simulated."""
