"""Whether what was promised is still true: alarms within a budget, what has changed, what is new, and what is ready to begin."""
