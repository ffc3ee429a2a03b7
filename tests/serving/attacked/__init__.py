"""Attacks as tables: who may do what, forms from elsewhere, ways out of a folder. Made of the code, so that a new address is in them."""
