-- The public log: what became of every fen that was pledged, as an append-only Merkle log that anybody may read. Triggers see to it that no
-- posted line and no pledge is left out, whoever writes it.

CREATE TABLE log (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    secret      BLOB NOT NULL CHECK (length(secret) = 32),      -- makes the salts of orders; never published
    origin      TEXT,                                           -- the first line of every checkpoint, named at the first start
    size        INTEGER NOT NULL CHECK (size >= 0),
    checkpoint  TEXT NOT NULL                                   -- the newest signed one; '' before the first
) STRICT;
INSERT INTO log (id, secret, size, checkpoint) VALUES (1, randomblob(32), 0, '');

-- What is not in the log yet. A row goes in the transaction that appends its leaf.
CREATE TABLE log_outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    transfer    INTEGER,
    pledge      BLOB,
    version     INTEGER,
    CHECK ((transfer IS NULL) = (pledge IS NOT NULL AND version IS NOT NULL))
) STRICT;

CREATE TABLE log_leaves (
    place       INTEGER PRIMARY KEY CHECK (place >= 0),         -- its index in the log
    leaf        TEXT NOT NULL,                                  -- one JSON object, as docs/log.md says
    transfer    INTEGER,
    order_id    BLOB,
    pledge      BLOB,
    version     INTEGER,
    tally       TEXT                                            -- what is tallied: scope, key and currency
) STRICT;
CREATE UNIQUE INDEX log_leaves_of_lines ON log_leaves (transfer) WHERE transfer IS NOT NULL;
CREATE UNIQUE INDEX log_leaves_of_pledges ON log_leaves (pledge, version) WHERE pledge IS NOT NULL;
CREATE INDEX log_leaves_of_orders ON log_leaves (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX log_leaves_of_tallies ON log_leaves (tally, place) WHERE tally IS NOT NULL;
CREATE TRIGGER log_leaves_stay BEFORE UPDATE ON log_leaves BEGIN SELECT raise(ABORT, 'a leaf of the log is final'); END;
CREATE TRIGGER log_leaves_remain BEFORE DELETE ON log_leaves BEGIN SELECT raise(ABORT, 'a leaf of the log is final'); END;

-- 3 accrue 4 reverse 5 confirm 6 remit. Nothing moved, nothing to tell.
CREATE TRIGGER lines_to_log AFTER INSERT ON transfers WHEN NEW.code IN (3, 4, 5, 6) AND NEW.amount > 0 BEGIN
    INSERT INTO log_outbox (transfer) VALUES (NEW.id);
END;
CREATE TRIGGER pledges_to_log AFTER INSERT ON pledges BEGIN
    INSERT INTO log_outbox (pledge, version) VALUES (NEW.id, NEW.version);
END;

INSERT INTO log_outbox (pledge, version) SELECT id, version FROM pledges ORDER BY version, id;
INSERT INTO log_outbox (transfer) SELECT id FROM transfers WHERE code IN (3, 4, 5, 6) AND amount > 0 ORDER BY id;
