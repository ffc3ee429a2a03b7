"""Whether what changes about ads reaches others: senders killed, receivers dead for a day."""
