"""The operations folder: what people know and no ledger does. Events, rosters, shrinkage and targets, checked like policies."""
