-- The provider's own books. It is another party: none of this is in the record, and the record must not read it.

CREATE TABLE payment (
    id             BLOB PRIMARY KEY CHECK (length(id) = 16),
    amount_minor   INTEGER NOT NULL CHECK (amount_minor > 0),
    currency       TEXT NOT NULL,
    method         TEXT NOT NULL CHECK (method IN ('approve', 'decline', 'slow')),
    -- NULL: declined. May lie ahead (slow): until then the payment is not authorised.
    authorised_at  INTEGER,
    captured_at    INTEGER,
    refunded_minor INTEGER NOT NULL DEFAULT 0 CHECK (refunded_minor BETWEEN 0 AND amount_minor)
) STRICT, WITHOUT ROWID;

CREATE TABLE refund (
    id           BLOB PRIMARY KEY CHECK (length(id) = 16),
    payment      BLOB NOT NULL REFERENCES payment (id),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency     TEXT NOT NULL,
    refunded_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is still to be told by webhook. A row goes when the receiver answers 2xx; one that was given up stays to be looked into.
CREATE TABLE event (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The webhook-id: the same at every attempt.
    id         TEXT NOT NULL UNIQUE,
    body       TEXT NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    -- When the next attempt is to be made.
    due_at     INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL,
    -- Its fate, drawn when it was made: the first attempt is dropped; it is sent twice.
    lost       INTEGER NOT NULL CHECK (lost IN (0, 1)),
    twice      INTEGER NOT NULL CHECK (twice IN (0, 1)),
    given_up   INTEGER NOT NULL DEFAULT 0 CHECK (given_up IN (0, 1))
) STRICT;

CREATE INDEX event_due ON event (due_at, seq) WHERE given_up = 0;
