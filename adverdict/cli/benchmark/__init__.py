"""``adverdict benchmark``: one file a command.

One folder because it is one list: no command here knows another, and whoever adds a measurement adds a file.
"""
