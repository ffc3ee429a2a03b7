"""The data contract on disk: ads and labels as Parquet, CSV or JSONL."""
