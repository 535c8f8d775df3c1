-- Pledges of several parts, remittances that two people look at, corrections.

-- Who a pledge gives to. Its projects are the same in every version; weights are in the version's body.
CREATE TABLE pledge_parts (
    pledge      BLOB NOT NULL CHECK (length(pledge) = 16),
    part        INTEGER NOT NULL CHECK (part BETWEEN 0 AND 4),
    project     TEXT NOT NULL,
    charity     TEXT NOT NULL,                  -- its number in the public register
    PRIMARY KEY (pledge, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX pledge_parts_by_project ON pledge_parts (project);
CREATE INDEX pledge_parts_by_charity ON pledge_parts (charity);

-- Pledges from before had one project, by its title.
INSERT INTO pledge_parts SELECT id, 0, json_extract(body, '$.project'), json_extract(body, '$.charity_registration') FROM pledges WHERE version = 1;
UPDATE pledges SET body = json_object(
    'parts', json_array(json_object(
        'project', json_extract(body, '$.project'), 'title', json_extract(body, '$.project'),
        'charity_name', json_extract(body, '$.charity_name'), 'charity_registration', json_extract(body, '$.charity_registration'),
        'weight', 1)),
    'agreement_sha256', json_extract(body, '$.agreement_sha256'));

-- What stands of the whole pledge is in the row of part 0; what is payable is of each part. Less what an open remittance has set aside.
ALTER TABLE pledge_sums RENAME TO old_sums;
CREATE TABLE pledge_sums (
    pledge      BLOB NOT NULL CHECK (length(pledge) = 16),
    part        INTEGER NOT NULL,
    currency    TEXT NOT NULL,
    standing    INTEGER NOT NULL CHECK (standing >= 0),
    payable     INTEGER NOT NULL CHECK (payable >= 0),
    PRIMARY KEY (pledge, part, currency)
) STRICT, WITHOUT ROWID;
INSERT INTO pledge_sums SELECT pledge, 0, currency, standing, payable FROM old_sums;
DROP TABLE old_sums;

CREATE TABLE remittance_runs (
    id              BLOB PRIMARY KEY CHECK (length(id) = 16),
    charity         TEXT NOT NULL,
    currency        TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'transferred', 'withdrawn')),
    proposed_at     INTEGER NOT NULL,
    transferred_at  INTEGER,
    reference       TEXT,                       -- the bank's
    proof           TEXT,                       -- SHA-256 of the bank's document; none of those from before
    body            TEXT NOT NULL,              -- JSON: who did what, and when
    version         INTEGER NOT NULL,
    CHECK ((state = 'transferred') = (transferred_at IS NOT NULL AND reference IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_open_run ON remittance_runs (charity, currency) WHERE state IN ('proposed', 'approved');
CREATE INDEX remittance_runs_by_time ON remittance_runs (proposed_at, id);

CREATE TABLE remittance_lines (
    run         BLOB NOT NULL REFERENCES remittance_runs (id),
    pledge      BLOB NOT NULL CHECK (length(pledge) = 16),
    part        INTEGER NOT NULL,
    project     TEXT NOT NULL,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (run, pledge, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX remittance_lines_by_pledge ON remittance_lines (pledge, part);

INSERT INTO remittance_runs
    SELECT r.id, p.charity, r.currency, 'transferred', r.at, r.at, r.proof, NULL,
           json_object('charity_name', p.charity, 'proposed_by', 'ops', 'approved_by', 'ops', 'approved_at', r.at, 'ended_by', 'ops'), 3
    FROM remittances r JOIN pledge_parts p ON p.pledge = r.pledge AND p.part = 0;
INSERT INTO remittance_lines SELECT r.id, r.pledge, 0, p.project, r.amount FROM remittances r JOIN pledge_parts p ON p.pledge = r.pledge AND p.part = 0;
DROP TABLE remittances;

-- And 11 correct.
DROP TRIGGER lines_to_log;
CREATE TRIGGER lines_to_log AFTER INSERT ON transfers WHEN NEW.code IN (3, 4, 5, 6, 11) AND NEW.amount > 0 BEGIN
    INSERT INTO log_outbox (transfer) VALUES (NEW.id);
END;
CREATE INDEX transfers_of_orders_later ON transfers (order_id) WHERE code > 10;
