-- What nodes counted in rooms, a row for each minute that was not empty. Rows of one minute add up over the nodes; of `viewers` the highest
-- is what was seen, for each node counts those of the others too.
CREATE TABLE room_minutes (
    room        TEXT NOT NULL REFERENCES rooms (id),
    at          INTEGER NOT NULL,      -- the start of the minute
    node        TEXT NOT NULL,
    viewers     INTEGER NOT NULL CHECK (viewers >= 0),   -- the most at one time
    seen        INTEGER NOT NULL CHECK (seen >= 0),
    tapped      INTEGER NOT NULL CHECK (tapped >= 0),
    PRIMARY KEY (room, at, node)
) STRICT, WITHOUT ROWID;

-- Commission, charity and fee of an order: codes 2 to 7. The price, refunds and what is paid back are in the order and need no look here.
CREATE INDEX transfers_by_order ON transfers (order_id) WHERE code > 1 AND code < 8;
