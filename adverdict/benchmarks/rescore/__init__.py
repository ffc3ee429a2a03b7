"""Rescoring: how fast, how it grows, and what killing it or spoiling its input does."""
