"""Deciding every ad again, shard by shard, on one machine or many."""
