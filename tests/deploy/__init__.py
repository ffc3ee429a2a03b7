"""Deployment files, as far as they can be tested without a cluster."""
