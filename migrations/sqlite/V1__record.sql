-- The record: what Apricot never forgets. Ids are 16-byte UUIDs, times Unix milliseconds, money integer minor units.
-- The record has the last word: every rule that can be a CHECK or a key is one. They say OR, not IN: for a list of more than two SQLite
-- builds a table at each insert, which costs more than the insert.

CREATE TABLE record (
    epoch       INTEGER NOT NULL,      -- names this record; charity totals carry it
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE rooms (
    id          TEXT PRIMARY KEY,
    host        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state = 'scheduled' OR state = 'rehearsal' OR state = 'live' OR state = 'paused'
                                  OR state = 'ended'),
    body        TEXT NOT NULL,         -- JSON: title, place, pictures, cards, chat rules, moderators
    version     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sanctions (
    room        TEXT NOT NULL REFERENCES rooms (id),
    subject     TEXT NOT NULL,
    muted_until INTEGER,               -- NULL: banned
    PRIMARY KEY (room, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE products (
    sku         TEXT PRIMARY KEY,
    host        TEXT NOT NULL,
    on_hand     INTEGER NOT NULL CHECK (on_hand >= 0),   -- units that belong to no lot
    price       INTEGER NOT NULL CHECK (price > 0),
    currency    TEXT NOT NULL,
    body        TEXT NOT NULL          -- JSON: title, unit, origin, picture, category
) STRICT, WITHOUT ROWID;

CREATE TABLE pledges (
    id          BLOB NOT NULL CHECK (length(id) = 16),
    version     INTEGER NOT NULL CHECK (version > 0),
    host        TEXT NOT NULL,
    base        TEXT NOT NULL CHECK (base IN ('paid_price', 'per_unit')),
    share_ppm   INTEGER NOT NULL CHECK (share_ppm BETWEEN 0 AND 1000000),
    per_unit    INTEGER NOT NULL CHECK (per_unit >= 0),
    cap         INTEGER CHECK (cap > 0),
    currency    TEXT NOT NULL,
    rounding    TEXT NOT NULL CHECK (rounding = 'down' OR rounding = 'half_even' OR rounding = 'up'),
    starts_at   INTEGER,
    ends_at     INTEGER,
    body        TEXT NOT NULL,         -- JSON: project, charity, registration number, agreement hash
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE sales (
    id              BLOB PRIMARY KEY CHECK (length(id) = 16),
    room            TEXT NOT NULL REFERENCES rooms (id),
    sku             TEXT NOT NULL REFERENCES products (sku),
    price           INTEGER NOT NULL CHECK (price > 0),
    currency        TEXT NOT NULL,
    limit_per_buyer INTEGER NOT NULL CHECK (limit_per_buyer > 0),
    hold_ms         INTEGER NOT NULL,
    duration_ms     INTEGER NOT NULL,
    opens_at        INTEGER,
    state           TEXT NOT NULL CHECK (state = 'scheduled' OR state = 'open' OR state = 'closed'),
    closes_at       INTEGER,           -- open: when it will close; closed: when it did
    close_reason    TEXT CHECK (close_reason = 'time' OR close_reason = 'host' OR close_reason = 'sold_out'),
    pledge          BLOB,
    pledge_version  INTEGER,
    version         INTEGER NOT NULL,
    FOREIGN KEY (pledge, pledge_version) REFERENCES pledges (id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX sales_by_room ON sales (room);

-- The stock set aside for a sale. Leftovers that returned to the product lower `stock`.
CREATE TABLE lots (
    sale        BLOB PRIMARY KEY REFERENCES sales (id),
    set_aside   INTEGER NOT NULL CHECK (set_aside > 0),  -- at the start, never changed
    stock       INTEGER NOT NULL CHECK (stock >= 0),
    held        INTEGER NOT NULL CHECK (held >= 0),
    sold        INTEGER NOT NULL CHECK (sold >= 0),
    CHECK (sold + held <= stock),
    CHECK (stock <= set_aside)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    id              BLOB PRIMARY KEY CHECK (length(id) = 16),
    sale            BLOB NOT NULL REFERENCES sales (id),
    room            TEXT NOT NULL,
    sku             TEXT NOT NULL,
    buyer           TEXT NOT NULL,
    quantity        INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    unit_price      INTEGER NOT NULL,
    currency        TEXT NOT NULL,
    wait            INTEGER NOT NULL CHECK (wait IN (0, 1)),
    stage           TEXT NOT NULL CHECK (stage = 'held' OR stage = 'paid' OR stage = 'waiting' OR stage = 'released' OR stage = 'expired'
                                      OR stage = 'packed' OR stage = 'shipped' OR stage = 'delivered' OR stage = 'confirmed'
                                      OR stage = 'refunded'),
    held_until      INTEGER,           -- stage held
    offered         INTEGER NOT NULL DEFAULT 0 CHECK (offered IN (0, 1)),
    hold            INTEGER NOT NULL,  -- number of the newest hold, 0 for none yet
    placed_at       INTEGER NOT NULL,
    paid_at         INTEGER,
    parcel          TEXT,              -- JSON: carrier, tracking number, times
    refunded        INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND quantity * unit_price),
    charity         INTEGER NOT NULL DEFAULT 0 CHECK (charity >= 0),
    version         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_sale ON orders (sale);
CREATE INDEX orders_by_buyer ON orders (buyer);
CREATE INDEX orders_on_the_way ON orders (stage) WHERE stage IN ('shipped', 'delivered');

-- Personal data of the buyer, apart from the order so that it can be erased.
CREATE TABLE addresses (
    order_id    BLOB PRIMARY KEY REFERENCES orders (id),
    name        TEXT NOT NULL,
    phone       TEXT NOT NULL,
    address     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A hold ends in exactly one of claimed, released, expired. An order whose payment came late may have a second one.
-- Holds and transfers refer to rows that the same entry or the writer itself has just touched; looking them up again at each insert
-- would cost a fifth of the writer's time. `apricot check` looks them up instead.
CREATE TABLE holds (
    order_id    BLOB NOT NULL,
    hold        INTEGER NOT NULL CHECK (hold > 0),
    sale        BLOB NOT NULL,
    quantity    INTEGER NOT NULL CHECK (quantity > 0),
    expires_at  INTEGER NOT NULL,
    outcome     TEXT CHECK (outcome = 'claimed' OR outcome = 'released' OR outcome = 'expired'),   -- NULL: still held
    ended_at    INTEGER,
    PRIMARY KEY (order_id, hold),
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    order_id    BLOB NOT NULL REFERENCES orders (id),
    amount      INTEGER NOT NULL CHECK (amount > 0),
    currency    TEXT NOT NULL,
    method      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state = 'authorising' OR state = 'declined' OR state = 'authorised' OR state = 'captured'
                                  OR state = 'refunding' OR state = 'refunded'),
    reason      TEXT,
    created_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_by_order ON payments (order_id);

CREATE TABLE refunds (
    id           BLOB PRIMARY KEY CHECK (length(id) = 16),
    payment      BLOB NOT NULL REFERENCES payments (id),
    order_id     BLOB NOT NULL REFERENCES orders (id),
    amount       INTEGER NOT NULL CHECK (amount > 0),
    currency     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    done_at      INTEGER
) STRICT, WITHOUT ROWID;

-- The payment provider's own event ids: the second door against double effects.
CREATE TABLE provider_events (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    subject     BLOB NOT NULL,         -- the payment or refund it is about
    seen_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    currency    TEXT NOT NULL,
    UNIQUE (name, currency)
) STRICT;

-- Posted lines. Nothing edits or deletes one.
CREATE TABLE transfers (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    code        INTEGER NOT NULL,      -- 1 sale 2 commission 3 accrue 4 reverse 5 confirm 6 remit 7 fee 8 refund 9 late 10 paid back
    debit       INTEGER NOT NULL,
    credit      INTEGER NOT NULL,
    amount      INTEGER NOT NULL CHECK (amount >= 0),
    order_id    BLOB,
    CHECK (debit <> credit)
) STRICT;
CREATE TRIGGER transfers_are_final BEFORE UPDATE ON transfers BEGIN SELECT RAISE(ABORT, 'a posted line is final'); END;
CREATE TRIGGER transfers_stay BEFORE DELETE ON transfers BEGIN SELECT RAISE(ABORT, 'a posted line is final'); END;

-- A cache of the transfers, kept in the same transaction; `apricot check` compares the two.
CREATE TABLE totals (
    account     INTEGER NOT NULL REFERENCES accounts (id),
    code        INTEGER NOT NULL,
    debits      INTEGER NOT NULL,
    credits     INTEGER NOT NULL,
    newest      INTEGER NOT NULL,      -- the last transfer counted
    PRIMARY KEY (account, code)
) STRICT, WITHOUT ROWID;

-- Proofs of money handed over to a charity.
CREATE TABLE remittances (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    pledge      BLOB NOT NULL,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    currency    TEXT NOT NULL,
    proof       TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What must still be asked of the provider. A task is deleted in the transaction that knows its answer.
CREATE TABLE outbox (
    kind        TEXT NOT NULL CHECK (kind = 'authorise' OR kind = 'capture' OR kind = 'refund'),
    subject     BLOB NOT NULL,         -- the payment, or for refund the refund
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

-- Idempotency keys of writes that have no id of their own from the client.
CREATE TABLE once (
    key         BLOB PRIMARY KEY CHECK (length(key) = 16),
    content     BLOB NOT NULL CHECK (length(content) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    action      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    reason      TEXT NOT NULL
) STRICT;
