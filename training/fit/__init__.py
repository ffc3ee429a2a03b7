"""Fitting every model of a bundle, and its calibration."""
