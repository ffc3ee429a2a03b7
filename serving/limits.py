"""How long a caller may take to say something."""

HEAD_SECONDS = 10.0
"""From the first byte of a request, or from the connection's beginning, until the last line of its head."""
BODY_SECONDS = 15.0
"""A caller that takes longer to send a body, or a form, is cut off; it would hold memory for as long as it likes."""
