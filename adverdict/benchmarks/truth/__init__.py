"""Whether what is promised holds, where the truth is known: simulated marketplaces, and packs of real ads."""
