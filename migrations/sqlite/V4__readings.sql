-- A day of what the nodes read of themselves, one row for each ten seconds of a node.
CREATE TABLE readings (
    at          INTEGER NOT NULL,      -- the end of the stretch
    node        TEXT NOT NULL,
    body        BLOB NOT NULL,         -- an OpsReading of proto/apricot/v1/ops.proto
    PRIMARY KEY (at, node)
) STRICT, WITHOUT ROWID;

-- What the last audit of the record found, for every node to show.
CREATE TABLE lights (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    at          INTEGER NOT NULL,
    took_ms     INTEGER NOT NULL,
    body        TEXT NOT NULL          -- JSON: the rules, with what broke them
) STRICT;
