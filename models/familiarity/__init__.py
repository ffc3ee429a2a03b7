"""Whether a model has seen the like of an ad: what it learnt from, and how strange honest ads of new advertisers are to it."""
