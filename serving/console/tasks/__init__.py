"""Where reviewers work: their task, and the queues."""
