"""Labelled ads -> thresholds with a guarantee. Statistics only: no model, no service, no file but the certificates it writes."""
