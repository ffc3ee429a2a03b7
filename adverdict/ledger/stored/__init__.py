"""The advertisers' history as the ledger tells it, in a store on this machine's disk that all its workers share."""
