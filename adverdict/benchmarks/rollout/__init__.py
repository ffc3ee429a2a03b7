"""Whether roll-outs keep what they promise, where the truth is known: harmless ones ended, harm seen, arms replayed, watchers killed."""
