"""An advertiser's past as it was known at a moment: counted online (state) or over a whole table (asof), the same numbers either way."""
