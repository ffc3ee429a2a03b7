"""Risk + policy -> verdict. Pure: plain values in, plain values out; no model library, no clock, no I/O but reading the policy files."""
