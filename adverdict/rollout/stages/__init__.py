"""A set of policies on its way into force: proposed, signed, tried beside, tried on some advertisers, watched, ended or done."""
