"""The creative itself: fetched from where the ad says it lies, made into plain pictures by a process that can do nothing else, and kept as
long as the ad."""
