"""Reports of single events: lists and counts over the ledger and its companions."""
