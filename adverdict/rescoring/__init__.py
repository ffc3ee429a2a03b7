"""Looking again at every live ad: decided shard by shard, compared with what is on record, and only then applied."""
