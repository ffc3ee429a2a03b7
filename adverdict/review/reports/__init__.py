"""What viewers and the platform say of live ads: reports, weighed by who reports, and signs that put an ad back in line."""
