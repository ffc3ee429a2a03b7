"""A process that makes plain pictures of a stranger's file, and can do nothing else: no network, little memory, little time.

Nothing of Adverdict's is imported here, so that starting one takes a fifth of a second.
"""
