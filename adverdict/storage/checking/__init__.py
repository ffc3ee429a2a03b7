"""Looking at tables before anything is made of them: what was understood, what had to be assumed, what is not in the contract."""
