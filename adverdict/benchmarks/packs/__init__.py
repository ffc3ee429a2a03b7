"""The whole training, nested, on packs of labelled ads."""
