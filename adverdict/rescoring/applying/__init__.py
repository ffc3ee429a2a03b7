"""Putting a rescoring into force, and taking it back."""
