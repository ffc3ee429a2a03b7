"""A transformer's layers as served, what reads their states, and what read them in bundles of before."""
