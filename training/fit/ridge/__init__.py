"""The ridge regression over n-grams, words and facts: what it is fitted on, its kernels, its solver, its fits."""
