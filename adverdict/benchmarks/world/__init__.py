"""A platform that lives in simulated time: its ads, its service, its queue and its people are all there, and only the clock is not."""
