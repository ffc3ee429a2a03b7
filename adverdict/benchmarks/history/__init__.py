"""How soon a worker knows what is on record of advertisers, and in how much memory."""
