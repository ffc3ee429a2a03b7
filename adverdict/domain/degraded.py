"""Why a decision was made with less than there should have been: the causes, made and taken apart here."""

from __future__ import annotations

NO_MODEL = "no_model"
DEADLINE = "deadline"
"""Of a decision that its caller could not wait for: the costly models did not run, and might have changed it."""
UNREACHABLE = "registry_unreachable"
NOT_FOUND = "champion_not_found"
UNCERTIFIED = "certificates_refused"
REFUSED = "bundle_refused"

STILL_DECIDES = frozenset({UNREACHABLE, NOT_FOUND, REFUSED, UNCERTIFIED})
"""What is loaded stays in service: decisions say so, and are made as before."""
