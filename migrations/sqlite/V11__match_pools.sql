-- Sponsors' pools: a budget in slots of time, added to what orders give or released by hearts. A pool never changes; it can be frozen.

CREATE TABLE pools (
    id                  BLOB PRIMARY KEY CHECK (length(id) = 16),
    sponsor             TEXT NOT NULL,
    currency            TEXT NOT NULL,
    terms               TEXT NOT NULL,                          -- JSON, as the public log tells them
    project_cap         INTEGER NOT NULL CHECK (project_cap >= 0),          -- these three are of the terms; 0 is no cap
    buyer_day_cap       INTEGER NOT NULL CHECK (buyer_day_cap >= 0),
    buyer_minute_limit  INTEGER NOT NULL CHECK (buyer_minute_limit > 0),
    frozen              INTEGER NOT NULL CHECK (frozen = 0 OR frozen = 1)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_slots (
    pool         BLOB NOT NULL REFERENCES pools (id),
    slot         INTEGER NOT NULL CHECK (slot >= 0),
    opens_at     INTEGER NOT NULL,
    closes_at    INTEGER NOT NULL,
    budget       INTEGER NOT NULL CHECK (budget > 0),
    seed         BLOB NOT NULL CHECK (length(seed) = 32),       -- of its draws; a secret until it is published
    spent        INTEGER NOT NULL CHECK (spent BETWEEN 0 AND budget),       -- matched less taken back
    hearts       INTEGER NOT NULL CHECK (hearts >= 0),          -- counted while it was open
    published_at INTEGER,                                       -- from then on nothing is matched
    PRIMARY KEY (pool, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX pool_slots_by_end ON pool_slots (closes_at);

-- Matched less taken back, in all slots of a pool.
CREATE TABLE pool_projects (
    pool        BLOB NOT NULL REFERENCES pools (id),
    project     TEXT NOT NULL,
    net         INTEGER NOT NULL CHECK (net >= 0),
    PRIMARY KEY (pool, project)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_buyer_days (
    pool        BLOB NOT NULL REFERENCES pools (id),
    buyer       TEXT NOT NULL,
    day         INTEGER NOT NULL,                               -- since 1970 in Asia/Shanghai
    net         INTEGER NOT NULL CHECK (net >= 0),
    PRIMARY KEY (pool, buyer, day)
) STRICT, WITHOUT ROWID;

-- What was added, by the order that it was added to, or by the release of hearts.
CREATE TABLE matches (
    claim       BLOB NOT NULL CHECK (length(claim) = 16),       -- the order, or an id made from pool, slot and release
    pool        BLOB NOT NULL REFERENCES pools (id),
    slot        INTEGER NOT NULL,
    release     INTEGER,                                        -- of hearts, counted from 1 in the slot
    pledge      BLOB NOT NULL,
    project     TEXT NOT NULL,
    buyer       TEXT,
    at          INTEGER NOT NULL,
    day         INTEGER NOT NULL,
    tier        INTEGER,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    kept        INTEGER NOT NULL CHECK (kept BETWEEN 0 AND amount),         -- less what refunds took back
    PRIMARY KEY (claim, pool)
) STRICT, WITHOUT ROWID;
CREATE INDEX matches_of_projects ON matches (project);
CREATE INDEX matches_of_buyers ON matches (pool, buyer, at) WHERE buyer IS NOT NULL;

ALTER TABLE log_leaves ADD COLUMN pool BLOB;
ALTER TABLE log_leaves ADD COLUMN slot INTEGER;                 -- whose seed it is; -1 of the pool itself
CREATE UNIQUE INDEX log_leaves_of_pools ON log_leaves (pool, slot) WHERE pool IS NOT NULL;

-- 3 accrue 4 reverse 5 confirm 6 remit 11 correct 13 match 14 unmatch.
DROP TRIGGER lines_to_log;
CREATE TRIGGER lines_to_log AFTER INSERT ON transfers WHEN NEW.code IN (3, 4, 5, 6, 11, 13, 14) AND NEW.amount > 0 BEGIN
    INSERT INTO log_outbox (transfer) VALUES (NEW.id);
END;
