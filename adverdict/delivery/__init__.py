"""What becomes of ads, told to others: changes in order, an outbox until receivers confirm, signed webhooks, plug-in sinks."""
