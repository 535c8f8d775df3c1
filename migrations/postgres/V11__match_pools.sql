-- Sponsors' pools: a budget in slots of time, added to what orders give or released by hearts. A pool never changes; it can be frozen.

CREATE TABLE pools (
    id                  uuid PRIMARY KEY,
    sponsor             text NOT NULL,
    currency            text NOT NULL,
    terms               text NOT NULL,                          -- JSON, as the public log tells them
    project_cap         bigint NOT NULL CHECK (project_cap >= 0),           -- these three are of the terms; 0 is no cap
    buyer_day_cap       bigint NOT NULL CHECK (buyer_day_cap >= 0),
    buyer_minute_limit  bigint NOT NULL CHECK (buyer_minute_limit > 0),
    frozen              bigint NOT NULL CHECK (frozen IN (0, 1))
);

CREATE TABLE pool_slots (
    pool         uuid NOT NULL REFERENCES pools (id),
    slot         bigint NOT NULL CHECK (slot >= 0),
    opens_at     bigint NOT NULL,
    closes_at    bigint NOT NULL,
    budget       bigint NOT NULL CHECK (budget > 0),
    seed         bytea NOT NULL CHECK (octet_length(seed) = 32),            -- of its draws; a secret until it is published
    spent        bigint NOT NULL CHECK (spent BETWEEN 0 AND budget),        -- matched less taken back
    hearts       bigint NOT NULL CHECK (hearts >= 0),           -- counted while it was open
    published_at bigint,                                        -- from then on nothing is matched
    PRIMARY KEY (pool, slot)
) WITH (fillfactor = 10);
CREATE INDEX pool_slots_by_end ON pool_slots (closes_at);

-- Matched less taken back, in all slots of a pool.
CREATE TABLE pool_projects (
    pool        uuid NOT NULL REFERENCES pools (id),
    project     text COLLATE "C" NOT NULL,
    net         bigint NOT NULL CHECK (net >= 0),
    PRIMARY KEY (pool, project)
) WITH (fillfactor = 10);

CREATE TABLE pool_buyer_days (
    pool        uuid NOT NULL REFERENCES pools (id),
    buyer       text COLLATE "C" NOT NULL,
    day         bigint NOT NULL,                                -- since 1970 in Asia/Shanghai
    net         bigint NOT NULL CHECK (net >= 0),
    PRIMARY KEY (pool, buyer, day)
) WITH (fillfactor = 50);

-- What was added, by the order that it was added to, or by the release of hearts.
CREATE TABLE matches (
    claim       uuid NOT NULL,                                  -- the order, or an id made from pool, slot and release
    pool        uuid NOT NULL REFERENCES pools (id),
    slot        bigint NOT NULL,
    release     bigint,                                         -- of hearts, counted from 1 in the slot
    pledge      uuid NOT NULL,
    project     text NOT NULL,
    buyer       text COLLATE "C",
    at          bigint NOT NULL,
    day         bigint NOT NULL,
    tier        bigint,
    amount      bigint NOT NULL CHECK (amount > 0),
    kept        bigint NOT NULL CHECK (kept BETWEEN 0 AND amount),          -- less what refunds took back
    PRIMARY KEY (claim, pool)
) WITH (fillfactor = 50);
CREATE INDEX matches_of_projects ON matches (project);
CREATE INDEX matches_of_buyers ON matches (pool, buyer, at) WHERE buyer IS NOT NULL;

-- Each array names one change, in the order of entries. With an amount that is due it is a claim: it must be what the record would give now,
-- no more and no less, and 0 is only looked at. Without, the amount is taken back. Whoever changes a pool waits here for whoever did before, so
-- that lines of a pool are posted in the order in which they were decided.
CREATE FUNCTION change_matches(of_claim uuid[], of_pool uuid[], of_slot bigint[], of_release bigint[], of_pledge uuid[], of_project text[],
                               of_buyer text[], of_at bigint[], of_day bigint[], of_tier bigint[], of_due bigint[], of_amount bigint[])
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    free bigint;
    given matches%ROWTYPE;
BEGIN
    PERFORM 1 FROM pool_slots s WHERE s.pool = ANY (of_pool) ORDER BY s.pool, s.slot FOR UPDATE;
    FOR i IN 1 .. cardinality(of_claim) LOOP
        IF of_due[i] IS NULL THEN
            UPDATE matches m SET kept = m.kept - of_amount[i]
                WHERE m.claim = of_claim[i] AND m.pool = of_pool[i] AND m.kept >= of_amount[i] RETURNING m.* INTO given;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'less is matched by pool %', of_pool[i] USING ERRCODE = 'AP004';
            END IF;
            UPDATE pool_slots s SET spent = s.spent - of_amount[i] WHERE s.pool = given.pool AND s.slot = given.slot;
            UPDATE pool_projects s SET net = s.net - of_amount[i] WHERE s.pool = given.pool AND s.project = given.project;
            UPDATE pool_buyer_days s SET net = s.net - of_amount[i]
                WHERE s.pool = given.pool AND s.buyer = given.buyer AND s.day = given.day;
            CONTINUE;
        END IF;
        SELECT CASE
            WHEN p.frozen = 1 OR s.published_at IS NOT NULL THEN 0
            WHEN of_buyer[i] IS NOT NULL AND p.buyer_minute_limit <= (SELECT count(*) FROM matches m
                WHERE m.pool = p.id AND m.buyer = of_buyer[i] AND m.at > of_at[i] - 60000) THEN 0
            ELSE greatest(0, least(s.budget - s.spent,
                CASE WHEN p.project_cap > 0 THEN p.project_cap - coalesce((SELECT j.net FROM pool_projects j
                    WHERE j.pool = p.id AND j.project = of_project[i]), 0) END,
                CASE WHEN p.buyer_day_cap > 0 AND of_buyer[i] IS NOT NULL THEN p.buyer_day_cap - coalesce((SELECT b.net FROM pool_buyer_days b
                    WHERE b.pool = p.id AND b.buyer = of_buyer[i] AND b.day = of_day[i]), 0) END)) END
            INTO free FROM pools p JOIN pool_slots s ON s.pool = p.id WHERE p.id = of_pool[i] AND s.slot = of_slot[i];
        IF of_amount[i] IS DISTINCT FROM least(of_due[i], free) OR free IS NULL THEN
            RAISE EXCEPTION 'pool % has % for this', of_pool[i], free USING ERRCODE = 'AP004';
        END IF;
        CONTINUE WHEN of_amount[i] = 0;
        INSERT INTO matches (claim, pool, slot, release, pledge, project, buyer, at, day, tier, amount, kept)
            VALUES (of_claim[i], of_pool[i], of_slot[i], of_release[i], of_pledge[i], of_project[i], of_buyer[i], of_at[i], of_day[i],
                    of_tier[i], of_amount[i], of_amount[i]);
        UPDATE pool_slots s SET spent = s.spent + of_amount[i] WHERE s.pool = of_pool[i] AND s.slot = of_slot[i];
        INSERT INTO pool_projects AS s (pool, project, net) VALUES (of_pool[i], of_project[i], of_amount[i])
            ON CONFLICT (pool, project) DO UPDATE SET net = s.net + excluded.net;
        IF of_buyer[i] IS NOT NULL THEN
            INSERT INTO pool_buyer_days AS s (pool, buyer, day, net) VALUES (of_pool[i], of_buyer[i], of_day[i], of_amount[i])
                ON CONFLICT (pool, buyer, day) DO UPDATE SET net = s.net + excluded.net;
        END IF;
    END LOOP;
END $$;

ALTER TABLE log_leaves ADD COLUMN pool uuid;
ALTER TABLE log_leaves ADD COLUMN slot bigint;                  -- whose seed it is; -1 of the pool itself
CREATE UNIQUE INDEX log_leaves_of_pools ON log_leaves (pool, slot) WHERE pool IS NOT NULL;

-- 3 accrue 4 reverse 5 confirm 6 remit 11 correct 13 match 14 unmatch.
CREATE OR REPLACE FUNCTION lines_to_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log_outbox (transfer) SELECT id FROM fresh WHERE code IN (3, 4, 5, 6, 11, 13, 14) AND amount > 0 ORDER BY id;
    RETURN NULL;
END $$;
