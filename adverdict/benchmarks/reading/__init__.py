"""What reading copies one by one costs reviewers, beside one answer for all that wait."""
