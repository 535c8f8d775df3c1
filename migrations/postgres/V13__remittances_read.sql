-- The line of the ledger, and so the leaf of the log, that handed a part's money over. There are few of them.
CREATE INDEX remits_by_account ON transfers (credit) WHERE code = 6;

-- As SQLite has it, so that `apricot check` asks both engines in the same words.
CREATE FUNCTION json_extract(body text, path text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CAST(body AS json) ->> substr(path, 3) $$;
