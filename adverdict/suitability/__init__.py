"""Ads' tiers of suitability: learnt from labels, told only where a certificate shows that few are wrong."""
