"""Requests that no client should send, by the million: whether any of them breaks the service."""
