"""Plans: kept in the chain when they are made, and scored when their weeks are over, so that everybody learns what they are worth."""
