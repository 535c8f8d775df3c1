-- The line of the ledger, and so the leaf of the log, that handed a part's money over. There are few of them.
CREATE INDEX remits_by_account ON transfers (credit) WHERE code = 6;
