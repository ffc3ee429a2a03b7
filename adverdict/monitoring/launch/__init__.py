"""Whether a market, a surface or a product may open: what has to be there, what it costs, and what became of it."""
