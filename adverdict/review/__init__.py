"""The human side: tasks and their queue, how good reviewers are, appeals, and what the audit stream tells."""
