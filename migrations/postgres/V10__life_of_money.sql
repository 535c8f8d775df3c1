-- Pledges of several parts, remittances that two people look at, corrections.

-- Who a pledge gives to. Its projects are the same in every version; weights are in the version's body.
CREATE TABLE pledge_parts (
    pledge      uuid NOT NULL,
    part        bigint NOT NULL CHECK (part BETWEEN 0 AND 4),
    project     text COLLATE "C" NOT NULL,
    charity     text COLLATE "C" NOT NULL,       -- its number in the public register
    PRIMARY KEY (pledge, part)
);
CREATE INDEX pledge_parts_by_project ON pledge_parts (project);
CREATE INDEX pledge_parts_by_charity ON pledge_parts (charity);

-- Pledges from before had one project, by its title.
INSERT INTO pledge_parts SELECT id, 0, CAST(body AS json) ->> 'project', CAST(body AS json) ->> 'charity_registration' FROM pledges WHERE version = 1;
UPDATE pledges SET body = json_build_object(
    'parts', json_build_array(json_build_object(
        'project', CAST(body AS json) ->> 'project', 'title', CAST(body AS json) ->> 'project',
        'charity_name', CAST(body AS json) ->> 'charity_name', 'charity_registration', CAST(body AS json) ->> 'charity_registration',
        'weight', 1)),
    'agreement_sha256', CAST(body AS json) ->> 'agreement_sha256')::text;

-- What stands of the whole pledge is in the row of part 0; what is payable is of each part. Less what an open remittance has set aside.
ALTER TABLE pledge_sums ADD COLUMN part bigint NOT NULL DEFAULT 0;
ALTER TABLE pledge_sums DROP CONSTRAINT pledge_sums_pkey, ADD PRIMARY KEY (pledge, part, currency);
ALTER TABLE pledge_sums ALTER COLUMN part DROP DEFAULT;

DROP FUNCTION change_pledge_sums(uuid[], text[], bigint[], bigint[], bigint[]);
-- Each array names one change; caps may be NULL.
CREATE FUNCTION change_pledge_sums(pledges uuid[], parts bigint[], currencies text[], of_standing bigint[], of_payable bigint[], caps bigint[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_standing bigint;
    now_payable bigint;
BEGIN
    FOR i IN 1 .. cardinality(pledges) LOOP
        INSERT INTO pledge_sums (pledge, part, currency, standing, payable) VALUES (pledges[i], parts[i], currencies[i], 0, 0) ON CONFLICT DO NOTHING;
        SELECT s.standing + of_standing[i], s.payable + of_payable[i] INTO STRICT now_standing, now_payable
            FROM pledge_sums s WHERE s.pledge = pledges[i] AND s.part = parts[i] AND s.currency = currencies[i] FOR UPDATE;
        IF now_standing > caps[i] THEN
            RAISE EXCEPTION 'cap % of pledge %', caps[i], pledges[i] USING ERRCODE = 'AP002';
        END IF;
        IF now_payable < 0 THEN
            RAISE EXCEPTION 'pledge % owes less', pledges[i] USING ERRCODE = 'AP003';
        END IF;
        UPDATE pledge_sums s SET standing = now_standing, payable = now_payable
            WHERE s.pledge = pledges[i] AND s.part = parts[i] AND s.currency = currencies[i];
    END LOOP;
END $$;

CREATE TABLE remittance_runs (
    id              uuid PRIMARY KEY,
    charity         text COLLATE "C" NOT NULL,
    currency        text NOT NULL,
    state           text NOT NULL CHECK (state IN ('proposed', 'approved', 'transferred', 'withdrawn')),
    proposed_at     bigint NOT NULL,
    transferred_at  bigint,
    reference       text,                       -- the bank's
    proof           text,                       -- SHA-256 of the bank's document; none of those from before
    body            text NOT NULL,              -- who did what, and when
    version         bigint NOT NULL,
    CHECK ((state = 'transferred') = (transferred_at IS NOT NULL AND reference IS NOT NULL))
);
CREATE UNIQUE INDEX one_open_run ON remittance_runs (charity, currency) WHERE state IN ('proposed', 'approved');
CREATE INDEX remittance_runs_by_time ON remittance_runs (proposed_at, id);

CREATE TABLE remittance_lines (
    run         uuid NOT NULL REFERENCES remittance_runs (id),
    pledge      uuid NOT NULL,
    part        bigint NOT NULL,
    project     text COLLATE "C" NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    PRIMARY KEY (run, pledge, part)
);
CREATE INDEX remittance_lines_by_pledge ON remittance_lines (pledge, part);

INSERT INTO remittance_runs
    SELECT r.id, p.charity, r.currency, 'transferred', r.at, r.at, r.proof, NULL,
           json_build_object('charity_name', p.charity, 'proposed_by', 'ops', 'approved_by', 'ops', 'approved_at', r.at, 'ended_by', 'ops')::text, 3
    FROM remittances r JOIN pledge_parts p ON p.pledge = r.pledge AND p.part = 0;
INSERT INTO remittance_lines SELECT r.id, r.pledge, 0, p.project, r.amount FROM remittances r JOIN pledge_parts p ON p.pledge = r.pledge AND p.part = 0;
DROP TABLE remittances;

-- And 11 correct.
CREATE OR REPLACE FUNCTION lines_to_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log_outbox (transfer) SELECT id FROM fresh WHERE code IN (3, 4, 5, 6, 11) AND amount > 0 ORDER BY id;
    RETURN NULL;
END $$;
CREATE INDEX transfers_of_orders_later ON transfers (order_id) WHERE code > 10;
