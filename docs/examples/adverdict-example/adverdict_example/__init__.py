"""Plug-ins for Adverdict, one of every kind, to copy from."""
