"""The command line: the only place that sees both training and serving."""
