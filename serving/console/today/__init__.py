"""Today: what whoever leads a platform's decisions looks at in the morning."""
