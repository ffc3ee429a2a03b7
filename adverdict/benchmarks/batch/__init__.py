"""How many ads a core scores, and how near that is to what the processor can do."""
