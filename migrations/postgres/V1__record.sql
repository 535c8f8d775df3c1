-- The record on PostgreSQL: the tables of migrations/sqlite, for many nodes. Ids are uuid, times Unix milliseconds, money integer minor units.
-- The record has the last word: every rule that can be a CHECK or a key is one.
--
-- Rows that change soon after they were made keep room beside them (fillfactor), and no index names a column that the path of money
-- changes: their new version then stands on the same page and no index is touched.

CREATE FUNCTION clock_ms() RETURNS bigint LANGUAGE sql VOLATILE
    AS $$ SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) $$;

-- As SQLite's own, for the texts that both read.
CREATE FUNCTION hex(id uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(replace(CAST(id AS text), '-', '')) $$;

-- Ends the transaction unless a statement changed every row that it named.
CREATE FUNCTION whole(changed bigint, named bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF changed <> named THEN
        RAISE EXCEPTION '% of % rows', changed, named USING ERRCODE = 'AP001';
    END IF;
END $$;

CREATE TABLE record (
    epoch       bigint NOT NULL,       -- names this record; charity totals carry it
    created_at  bigint NOT NULL
);
CREATE UNIQUE INDEX record_is_one ON record ((true));

-- One row for each transaction of a node, so that it can find out what became of a commit whose answer was lost.
CREATE TABLE commits (
    id          uuid PRIMARY KEY,
    at          bigint NOT NULL,
    void        boolean NOT NULL DEFAULT false   -- put there by who asked: this transaction did not and will not commit
);

-- The ids of those transactions that committed. The others are void from now on: their own row cannot be inserted any more.
CREATE FUNCTION settle_commit(marks uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO commits (id, at, void) SELECT mark, clock_ms(), true FROM unnest(marks) AS mark ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT c.id FROM commits c WHERE c.id = ANY (marks) AND NOT c.void;
END $$;

CREATE TABLE rooms (
    id          text COLLATE "C" PRIMARY KEY,
    host        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('scheduled', 'rehearsal', 'live', 'paused', 'ended')),
    body        text NOT NULL,         -- JSON: title, place, pictures, cards, chat rules, moderators
    version     bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX rooms_not_ended ON rooms (id) WHERE state <> 'ended';

CREATE TABLE sanctions (
    room        text COLLATE "C" NOT NULL REFERENCES rooms (id),
    subject     text COLLATE "C" NOT NULL,
    muted_until bigint,                -- NULL: banned
    PRIMARY KEY (room, subject)
);

CREATE TABLE products (
    sku         text COLLATE "C" PRIMARY KEY,
    host        text COLLATE "C" NOT NULL,
    on_hand     bigint NOT NULL CHECK (on_hand >= 0),    -- units that belong to no lot
    price       bigint NOT NULL CHECK (price > 0),
    currency    text NOT NULL,
    body        text NOT NULL          -- JSON: title, unit, origin, picture, category
) WITH (fillfactor = 50);
CREATE INDEX products_by_host ON products (host, sku);

CREATE TABLE pledges (
    id          uuid NOT NULL,
    version     bigint NOT NULL CHECK (version > 0),
    host        text NOT NULL,
    base        text NOT NULL CHECK (base IN ('paid_price', 'per_unit')),
    share_ppm   bigint NOT NULL CHECK (share_ppm BETWEEN 0 AND 1000000),
    per_unit    bigint NOT NULL CHECK (per_unit >= 0),
    cap         bigint CHECK (cap > 0),
    currency    text NOT NULL,
    rounding    text NOT NULL CHECK (rounding IN ('down', 'half_even', 'up')),
    starts_at   bigint,
    ends_at     bigint,
    body        text NOT NULL,         -- JSON: project, charity, registration number, agreement hash
    PRIMARY KEY (id, version)
);

CREATE TABLE sales (
    id              uuid PRIMARY KEY,
    room            text COLLATE "C" NOT NULL REFERENCES rooms (id),
    sku             text COLLATE "C" NOT NULL REFERENCES products (sku),
    price           bigint NOT NULL CHECK (price > 0),
    currency        text NOT NULL,
    limit_per_buyer bigint NOT NULL CHECK (limit_per_buyer > 0),
    hold_ms         bigint NOT NULL,
    duration_ms     bigint NOT NULL,
    opens_at        bigint,
    state           text NOT NULL CHECK (state IN ('scheduled', 'open', 'closed')),
    closes_at       bigint,            -- open: when it will close; closed: when it did
    close_reason    text CHECK (close_reason IN ('time', 'host', 'sold_out')),
    pledge          uuid,
    pledge_version  bigint,
    version         bigint NOT NULL,
    settled         boolean NOT NULL DEFAULT false,   -- over for good: nothing held or left over, nobody waits, the room has ended
    FOREIGN KEY (pledge, pledge_version) REFERENCES pledges (id, version)
) WITH (fillfactor = 50);
CREATE INDEX sales_by_room ON sales (room);
-- Each node looks at these every second.
CREATE INDEX sales_not_settled ON sales (id) WHERE NOT settled;

-- The stock set aside for a sale. Leftovers that returned to the product lower `stock`. A hot lot changes with every batch.
CREATE TABLE lots (
    sale        uuid PRIMARY KEY REFERENCES sales (id),
    set_aside   bigint NOT NULL CHECK (set_aside > 0),   -- at the start, never changed
    stock       bigint NOT NULL CHECK (stock >= 0),
    held        bigint NOT NULL CHECK (held >= 0),
    sold        bigint NOT NULL CHECK (sold >= 0),
    CHECK (sold + held <= stock),
    CHECK (stock <= set_aside)
) WITH (fillfactor = 10);

CREATE TABLE orders (
    id              uuid PRIMARY KEY,
    sale            uuid NOT NULL REFERENCES sales (id),
    quantity        bigint NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    unit_price      bigint NOT NULL,
    wait            bigint NOT NULL CHECK (wait IN (0, 1)),
    held_until      bigint,            -- stage held
    offered         bigint NOT NULL DEFAULT 0 CHECK (offered IN (0, 1)),
    hold            bigint NOT NULL,   -- number of the newest hold, 0 for none yet
    placed_at       bigint NOT NULL,
    paid_at         bigint,
    refunded        bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND quantity * unit_price),
    charity         bigint NOT NULL DEFAULT 0 CHECK (charity >= 0),
    version         bigint NOT NULL,
    under_way_since bigint,            -- when it was shipped, as long as its receipt is not confirmed
    room            text COLLATE "C" NOT NULL,
    sku             text COLLATE "C" NOT NULL,
    buyer           text COLLATE "C" NOT NULL,
    currency        text NOT NULL,
    stage           text NOT NULL CHECK (stage IN ('held', 'paid', 'waiting', 'released', 'expired', 'packed', 'shipped', 'delivered',
                                                   'confirmed', 'refunded')),
    parcel          text,              -- JSON: carrier, tracking number, times
    CHECK (wait = 1 OR stage <> 'waiting')
) WITH (fillfactor = 50);
CREATE INDEX orders_by_sale ON orders (sale, id);
CREATE INDEX orders_by_buyer ON orders (buyer, id);
CREATE INDEX orders_that_may_wait ON orders (sale) WHERE wait = 1;
CREATE INDEX orders_under_way ON orders (under_way_since) WHERE under_way_since IS NOT NULL;

-- Personal data of the buyer, apart from the order so that it can be erased.
CREATE TABLE addresses (
    order_id    uuid PRIMARY KEY REFERENCES orders (id),
    name        text NOT NULL,
    phone       text NOT NULL,
    address     text NOT NULL
);

-- A hold ends in exactly one of claimed, released, expired. An order whose payment came late may have a second one.
-- Holds and transfers refer to rows that the same entry or the writer itself has just touched; looking them up again at each insert
-- would cost more than the insert. `apricot check` looks them up instead.
CREATE TABLE holds (
    order_id    uuid NOT NULL,
    hold        bigint NOT NULL CHECK (hold > 0),
    sale        uuid NOT NULL,
    quantity    bigint NOT NULL CHECK (quantity > 0),
    expires_at  bigint NOT NULL,
    ended_at    bigint,
    outcome     text CHECK (outcome IN ('claimed', 'released', 'expired')),   -- NULL: still held
    PRIMARY KEY (order_id, hold),
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
) WITH (fillfactor = 50);

CREATE TABLE payments (
    id          uuid PRIMARY KEY,
    order_id    uuid NOT NULL REFERENCES orders (id),
    amount      bigint NOT NULL CHECK (amount > 0),
    created_at  bigint NOT NULL,
    version     bigint NOT NULL,
    currency    text NOT NULL,
    method      text NOT NULL,
    state       text NOT NULL CHECK (state IN ('authorising', 'declined', 'authorised', 'captured', 'refunding', 'refunded')),
    reason      text
) WITH (fillfactor = 50);
CREATE INDEX payments_by_order ON payments (order_id);

CREATE TABLE refunds (
    id           uuid PRIMARY KEY,
    payment      uuid NOT NULL REFERENCES payments (id),
    order_id     uuid NOT NULL REFERENCES orders (id),
    amount       bigint NOT NULL CHECK (amount > 0),
    currency     text NOT NULL,
    reason       text NOT NULL,
    requested_at bigint NOT NULL,
    done_at      bigint
) WITH (fillfactor = 50);

-- The payment provider's own event ids: the second door against double effects.
CREATE TABLE provider_events (
    id          text COLLATE "C" PRIMARY KEY,
    kind        text NOT NULL,
    subject     uuid NOT NULL,         -- the payment or refund it is about
    seen_at     bigint NOT NULL
);

CREATE TABLE accounts (
    id          bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name        text COLLATE "C" NOT NULL,
    currency    text NOT NULL,
    UNIQUE (name, currency)
);

-- Posted lines. Nothing edits or deletes one. Ids are given in blocks of 16384, a block for each batch.
CREATE SEQUENCE transfer_blocks MINVALUE 0;
CREATE TABLE transfers (
    id          bigint PRIMARY KEY,
    at          bigint NOT NULL,
    code        bigint NOT NULL,       -- 1 sale 2 commission 3 accrue 4 reverse 5 confirm 6 remit 7 fee 8 refund 9 late 10 paid back
    debit       bigint NOT NULL,
    credit      bigint NOT NULL,
    amount      bigint NOT NULL CHECK (amount >= 0),
    order_id    uuid,
    CHECK (debit <> credit)
);
CREATE FUNCTION posted_line_is_final() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'a posted line is final'; END $$;
CREATE TRIGGER transfers_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers EXECUTE FUNCTION posted_line_is_final();

-- A cache of the transfers, kept in the same transaction; `apricot check` compares the two.
CREATE TABLE totals (
    account     bigint NOT NULL REFERENCES accounts (id),
    code        bigint NOT NULL,
    debits      bigint NOT NULL,
    credits     bigint NOT NULL,
    newest      bigint NOT NULL,       -- the last transfer counted
    PRIMARY KEY (account, code)
) WITH (fillfactor = 10);

-- What stands accrued under a pledge (accrued less reversed), and what of it is owed to the charity (confirmed less taken back less
-- remitted). A cache of the transfers, and the place where a cap and a remittance are refused; `apricot check` compares the two.
CREATE TABLE pledge_sums (
    pledge      uuid NOT NULL,
    currency    text NOT NULL,
    standing    bigint NOT NULL CHECK (standing >= 0),
    payable     bigint NOT NULL CHECK (payable >= 0),
    PRIMARY KEY (pledge, currency)
) WITH (fillfactor = 10);

-- Each array names one change; caps may be NULL.
CREATE FUNCTION change_pledge_sums(pledges uuid[], currencies text[], of_standing bigint[], of_payable bigint[], caps bigint[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_standing bigint;
    now_payable bigint;
BEGIN
    FOR i IN 1 .. cardinality(pledges) LOOP
        INSERT INTO pledge_sums VALUES (pledges[i], currencies[i], 0, 0) ON CONFLICT DO NOTHING;
        SELECT s.standing + of_standing[i], s.payable + of_payable[i] INTO STRICT now_standing, now_payable
            FROM pledge_sums s WHERE s.pledge = pledges[i] AND s.currency = currencies[i] FOR UPDATE;
        IF now_standing > caps[i] THEN
            RAISE EXCEPTION 'cap % of pledge %', caps[i], pledges[i] USING ERRCODE = 'AP002';
        END IF;
        IF now_payable < 0 THEN
            RAISE EXCEPTION 'pledge % owes less', pledges[i] USING ERRCODE = 'AP003';
        END IF;
        UPDATE pledge_sums s SET standing = now_standing, payable = now_payable
            WHERE s.pledge = pledges[i] AND s.currency = currencies[i];
    END LOOP;
END $$;

-- Proofs of money handed over to a charity.
CREATE TABLE remittances (
    id          uuid PRIMARY KEY,
    pledge      uuid NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    currency    text NOT NULL,
    proof       text NOT NULL,
    at          bigint NOT NULL
);

-- What must still be asked of the provider. A task is deleted in the transaction that knows its answer.
CREATE TABLE outbox (
    kind        text NOT NULL CHECK (kind IN ('authorise', 'capture', 'refund')),
    subject     uuid NOT NULL,         -- the payment, or for refund the refund
    created_at  bigint NOT NULL,
    PRIMARY KEY (subject, kind)
);

-- Idempotency keys of writes that have no id of their own from the client.
CREATE TABLE once (
    key         uuid PRIMARY KEY,
    content     bytea NOT NULL CHECK (octet_length(content) = 32)
);

-- Duties that one node at a time does. The fence grows each time a lease is taken, and says of a write which holder it is from.
CREATE TABLE leases (
    duty        text PRIMARY KEY CHECK (duty IN ('keeper')),
    node        text NOT NULL,
    fence       bigint NOT NULL CHECK (fence > 0),
    until       bigint NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE audit (
    id          bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    at          bigint NOT NULL,
    actor       text NOT NULL,
    action      text NOT NULL,
    subject     text NOT NULL,
    reason      text NOT NULL
);
