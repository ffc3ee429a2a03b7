"""The folder of a run: what is being done, what is done, what was set aside."""
