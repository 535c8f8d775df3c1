-- A day of what the nodes read of themselves, one row for each ten seconds of a node.
CREATE TABLE readings (
    at          bigint NOT NULL,       -- the end of the stretch
    node        text COLLATE "C" NOT NULL,
    body        bytea NOT NULL,        -- an OpsReading of proto/apricot/v1/ops.proto
    PRIMARY KEY (at, node)
);

-- What the last audit of the record found, for every node to show.
CREATE TABLE lights (
    id          bigint PRIMARY KEY CHECK (id = 1),
    at          bigint NOT NULL,
    took_ms     bigint NOT NULL,
    body        text NOT NULL          -- JSON: the rules, with what broke them
) WITH (fillfactor = 50);
