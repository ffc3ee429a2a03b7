"""The path of an ad, without HTTP: a model opened, risks, a decision, the record."""
