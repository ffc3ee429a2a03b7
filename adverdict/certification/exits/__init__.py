"""How much doubt an ad may leave the models early with."""
