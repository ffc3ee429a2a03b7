"""Tasks: how they come to be, whose is next, who may take them."""
