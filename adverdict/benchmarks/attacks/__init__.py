"""Texts of violating ads dressed up as evasive advertisers do it: how many are still stopped; and honest texts, taken for none of that."""
