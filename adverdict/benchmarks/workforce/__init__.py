"""Whether plans of reviewers come true, where the truth is simulated: forecasts, changes, heads, weeks and causes."""
