"""How many people a change needs: how long a review takes."""
