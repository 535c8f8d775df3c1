-- What each kind of write does to many rows at once: a name, the columns that name a row, and a statement over arrays of columns.
-- The arrays are unnested side by side in a SELECT: as functions in FROM each would be written down first, which costs four times as
-- much. Rows come in the order of their keys, so that nodes lock them in the same order. `kind.rs` adds how a row that is not changed is
-- found out.

-- name: once
-- key: key
INSERT INTO once (key, content) SELECT unnest($1::uuid[]), unnest($2::bytea[])

-- name: provider_event
-- key: id
INSERT INTO provider_events (id, kind, subject, seen_at) SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::uuid[]), unnest($4::bigint[])

-- name: new_room
-- key: id
INSERT INTO rooms (id, host, state, body, version) SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::bigint[])

-- name: next_room
-- key: id
UPDATE rooms t SET host = d.host, state = d.state, body = d.body, version = d.version
FROM (SELECT unnest($1::text[]) AS id, unnest($2::text[]) AS host, unnest($3::text[]) AS state, unnest($4::text[]) AS body,
             unnest($5::bigint[]) AS version) AS d
WHERE t.id = d.id AND t.version = d.version - 1

-- name: pardon
-- key: subject
DELETE FROM sanctions t USING (SELECT unnest($1::text[]) AS subject, unnest($2::text[]) AS room) AS d WHERE t.subject = d.subject AND t.room = d.room

-- name: sanction
-- key: subject
INSERT INTO sanctions (subject, room, muted_until) SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::bigint[])
ON CONFLICT (room, subject) DO UPDATE SET muted_until = excluded.muted_until

-- name: new_product
-- key: sku
INSERT INTO products (sku, host, on_hand, price, currency, body)
SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::text[]),
       unnest($6::text[])

-- name: stock
-- key: sku
UPDATE products t SET on_hand = t.on_hand + d.change FROM (SELECT unnest($1::text[]) AS sku, unnest($2::bigint[]) AS change) AS d
WHERE t.sku = d.sku AND t.on_hand + d.change >= 0

-- name: new_charity
-- key: registration
INSERT INTO charities (registration, name, body, name_words, number_words, version)
SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]), unnest($6::bigint[])

-- name: next_charity
-- key: registration
UPDATE charities t SET name = d.name, body = d.body, name_words = d.name_words, number_words = d.number_words, version = d.version
FROM (SELECT unnest($1::text[]) AS registration, unnest($2::text[]) AS name, unnest($3::text[]) AS body, unnest($4::text[]) AS name_words,
             unnest($5::text[]) AS number_words, unnest($6::bigint[]) AS version) AS d
WHERE t.registration = d.registration AND t.version = d.version - 1

-- name: new_project
-- key: id
INSERT INTO projects (id, charity, title, place, disclose_days, started_at, ended_at, body, title_words, words, version)
SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::bigint[]), unnest($6::bigint[]),
       unnest($7::bigint[]), unnest($8::text[]), unnest($9::text[]), unnest($10::text[]), unnest($11::bigint[])

-- name: next_project
-- key: id
UPDATE projects t SET title = d.title, place = d.place, disclose_days = d.disclose_days, started_at = d.started_at, ended_at = d.ended_at,
                      body = d.body, title_words = d.title_words, words = d.words, version = d.version
FROM (SELECT unnest($1::text[]) AS id, unnest($2::text[]) AS charity, unnest($3::text[]) AS title, unnest($4::text[]) AS place,
             unnest($5::bigint[]) AS disclose_days, unnest($6::bigint[]) AS started_at, unnest($7::bigint[]) AS ended_at,
             unnest($8::text[]) AS body, unnest($9::text[]) AS title_words, unnest($10::text[]) AS words, unnest($11::bigint[]) AS version) AS d
WHERE t.id = d.id AND t.version = d.version - 1 AND t.charity = d.charity

-- name: progress_report
-- key: id
INSERT INTO reports (id, project, at, body) SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::text[])

-- name: pledge
-- key: id
INSERT INTO pledges AS t (id, version, host, base, share_ppm, per_unit, cap, currency, rounding, starts_at, ends_at, body)
SELECT * FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS version, unnest($3::text[]) AS host, unnest($4::text[]) AS base,
             unnest($5::bigint[]) AS share_ppm, unnest($6::bigint[]) AS per_unit, unnest($7::bigint[]) AS cap,
             unnest($8::text[]) AS currency, unnest($9::text[]) AS rounding, unnest($10::bigint[]) AS starts_at,
             unnest($11::bigint[]) AS ends_at, unnest($12::text[]) AS body) AS d
WHERE d.version = 1 + coalesce((SELECT max(p.version) FROM pledges p WHERE p.id = d.id), 0)

-- name: pledge_parts
-- key: pledge, part
INSERT INTO pledge_parts (pledge, part, project, charity)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::text[]), unnest($4::text[])

-- name: new_sale
-- key: id
INSERT INTO sales (id, room, sku, price, currency, limit_per_buyer, hold_ms, duration_ms, opens_at, state, closes_at, close_reason, pledge,
                   pledge_version, version)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bigint[]), unnest($5::text[]),
       unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::bigint[]), unnest($10::text[]),
       unnest($11::bigint[]), unnest($12::text[]), unnest($13::uuid[]), unnest($14::bigint[]), unnest($15::bigint[])

-- name: new_lot
-- key: sale
INSERT INTO lots (sale, set_aside, stock, held, sold) SELECT sale, stock, stock, 0, 0 FROM (SELECT unnest($1::uuid[]) AS sale, unnest($2::bigint[]) AS stock) AS d

-- name: restock
-- key: sale
UPDATE lots t SET stock = t.stock + d.change, set_aside = t.set_aside + d.change
FROM (SELECT unnest($1::uuid[]) AS sale, unnest($2::bigint[]) AS change) AS d
WHERE t.sale = d.sale AND t.held + t.sold <= t.stock + d.change AND t.set_aside + d.change > 0

-- name: next_sale
-- key: id
UPDATE sales t SET state = d.state, closes_at = d.closes_at, close_reason = d.close_reason, version = d.version, paused = d.paused = 1
FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS state, unnest($3::bigint[]) AS closes_at,
             unnest($4::text[]) AS close_reason, unnest($5::bigint[]) AS version, unnest($6::bigint[]) AS paused) AS d
WHERE t.id = d.id AND t.version = d.version - 1

-- name: new_order
-- key: id
INSERT INTO orders (id, stage, held_until, offered, hold, paid_at, parcel, refunded, charity, sale, room, sku, buyer, quantity, unit_price,
                    currency, wait, placed_at, version, under_way_since)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bigint[]),
       unnest($6::bigint[]), unnest($7::text[]), unnest($8::bigint[]), unnest($9::bigint[]), unnest($10::uuid[]),
       unnest($11::text[]), unnest($12::text[]), unnest($13::text[]), unnest($14::bigint[]), unnest($15::bigint[]),
       unnest($16::text[]), unnest($17::bigint[]), unnest($18::bigint[]), unnest($19::bigint[]), unnest($20::bigint[])

-- name: next_order
-- key: id
-- The content of an order (sale to placed_at) is never updated.
UPDATE orders t SET stage = d.stage, held_until = d.held_until, offered = d.offered, hold = d.hold, paid_at = d.paid_at,
                    parcel = coalesce(d.parcel, t.parcel), refunded = d.refunded, charity = d.charity, version = d.version,
                    under_way_since = d.under_way_since
FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS stage, unnest($3::bigint[]) AS held_until,
             unnest($4::bigint[]) AS offered, unnest($5::bigint[]) AS hold, unnest($6::bigint[]) AS paid_at,
             unnest($7::text[]) AS parcel, unnest($8::bigint[]) AS refunded, unnest($9::bigint[]) AS charity,
             unnest($10::uuid[]) AS sale, unnest($11::text[]) AS room, unnest($12::text[]) AS sku,
             unnest($13::text[]) AS buyer, unnest($14::bigint[]) AS quantity, unnest($15::bigint[]) AS unit_price,
             unnest($16::text[]) AS currency, unnest($17::bigint[]) AS wait, unnest($18::bigint[]) AS placed_at,
             unnest($19::bigint[]) AS version, unnest($20::bigint[]) AS under_way_since) AS d
WHERE t.id = d.id AND t.version = d.version - 1 AND t.sale = d.sale AND t.room = d.room AND t.sku = d.sku AND t.buyer = d.buyer
  AND t.quantity = d.quantity AND t.unit_price = d.unit_price AND t.currency = d.currency AND t.wait = d.wait AND t.placed_at = d.placed_at

-- name: address
-- key: order_id
INSERT INTO addresses (order_id, name, phone, address) SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[])
ON CONFLICT (order_id) DO UPDATE SET name = excluded.name, phone = excluded.phone, address = excluded.address

-- name: hold
-- key: order_id, hold
INSERT INTO holds (order_id, hold, sale, quantity, expires_at)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::bigint[]), unnest($5::bigint[])

-- name: end_hold
-- key: order_id, hold
UPDATE holds t SET outcome = d.outcome, ended_at = d.ended_at
FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::bigint[]) AS hold, unnest($3::text[]) AS outcome,
             unnest($4::bigint[]) AS ended_at) AS d
WHERE t.order_id = d.order_id AND t.hold = d.hold AND t.outcome IS NULL

-- name: new_payment
-- key: id
INSERT INTO payments (id, state, reason, order_id, amount, currency, method, created_at, version)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::uuid[]), unnest($5::bigint[]),
       unnest($6::text[]), unnest($7::text[]), unnest($8::bigint[]), unnest($9::bigint[])

-- name: next_payment
-- key: id
UPDATE payments t SET state = d.state, reason = d.reason, version = d.version
FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS state, unnest($3::text[]) AS reason,
             unnest($4::uuid[]) AS order_id, unnest($5::bigint[]) AS amount, unnest($6::text[]) AS currency,
             unnest($7::text[]) AS method, unnest($8::bigint[]) AS created_at, unnest($9::bigint[]) AS version) AS d
WHERE t.id = d.id AND t.version = d.version - 1 AND t.order_id = d.order_id AND t.amount = d.amount AND t.currency = d.currency
  AND t.method = d.method AND t.created_at = d.created_at

-- name: refund
-- key: id
INSERT INTO refunds (id, payment, order_id, amount, currency, reason, requested_at)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::bigint[]), unnest($5::text[]),
       unnest($6::text[]), unnest($7::bigint[])

-- name: refund_done
-- key: id
UPDATE refunds t SET done_at = d.done_at FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS done_at) AS d WHERE t.id = d.id AND t.done_at IS NULL

-- name: new_run
-- key: id
INSERT INTO remittance_runs (id, charity, currency, state, transferred_at, reference, proof, body, version, proposed_at)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::bigint[]), unnest($6::text[]),
       unnest($7::text[]), unnest($8::text[]), unnest($9::bigint[]), unnest($10::bigint[])

-- name: next_run
-- key: id
UPDATE remittance_runs t SET state = d.state, transferred_at = d.transferred_at, reference = d.reference, proof = d.proof, body = d.body,
                             version = d.version
FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS charity, unnest($3::text[]) AS currency, unnest($4::text[]) AS state,
             unnest($5::bigint[]) AS transferred_at, unnest($6::text[]) AS reference, unnest($7::text[]) AS proof, unnest($8::text[]) AS body,
             unnest($9::bigint[]) AS version, unnest($10::bigint[]) AS proposed_at) AS d
WHERE t.id = d.id AND t.version = d.version - 1 AND t.charity = d.charity AND t.currency = d.currency AND t.proposed_at = d.proposed_at

-- name: run_lines
-- key: run, pledge, part
INSERT INTO remittance_lines (run, pledge, part, project, amount)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::text[]), unnest($5::bigint[])

-- name: task
-- key: subject, kind
INSERT INTO outbox (subject, kind, created_at) SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::bigint[])

-- name: task_done
-- key: subject, kind
DELETE FROM outbox t USING (SELECT unnest($1::uuid[]) AS subject, unnest($2::text[]) AS kind) AS d WHERE t.subject = d.subject AND t.kind = d.kind

-- name: new_pool
-- key: id
INSERT INTO pools (id, sponsor, currency, terms, project_cap, buyer_day_cap, buyer_minute_limit, frozen)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::bigint[]), unnest($6::bigint[]),
       unnest($7::bigint[]), 0

-- name: new_slots
-- key: pool, slot
INSERT INTO pool_slots (pool, slot, opens_at, closes_at, budget, seed, spent, hearts)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::bytea[]), 0, 0

-- name: freeze_pool
-- key: id
UPDATE pools t SET frozen = d.frozen FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS frozen) AS d WHERE t.id = d.id

-- name: pool_hearts
-- key: pool, slot
UPDATE pool_slots t SET hearts = t.hearts + d.more
FROM (SELECT unnest($1::uuid[]) AS pool, unnest($2::bigint[]) AS slot, unnest($3::bigint[]) AS before, unnest($4::bigint[]) AS more) AS d
WHERE t.pool = d.pool AND t.slot = d.slot AND t.hearts = d.before

-- name: publish_seed
-- key: pool, slot
UPDATE pool_slots t SET published_at = d.at
FROM (SELECT unnest($1::uuid[]) AS pool, unnest($2::bigint[]) AS slot, unnest($3::bigint[]) AS at) AS d
WHERE t.pool = d.pool AND t.slot = d.slot AND t.published_at IS NULL

-- name: fence
-- key: duty, fence
-- The share lock keeps the lease as it is until this transaction has ended.
SELECT t.duty, t.fence FROM leases t JOIN (SELECT unnest($1::text[]) AS duty, unnest($2::bigint[]) AS fence) AS d ON t.duty = d.duty AND t.fence = d.fence
WHERE t.until > clock_ms() FOR SHARE OF t

-- name: take_lease
-- key: duty
INSERT INTO leases AS t (duty, node, fence, until) SELECT d.duty, d.node, 1, clock_ms() + d.ms
FROM (SELECT unnest($1::text[]) AS duty, unnest($2::text[]) AS node, unnest($3::bigint[]) AS ms) AS d
ON CONFLICT (duty) DO UPDATE SET fence = CASE WHEN t.until > clock_ms() THEN t.fence ELSE t.fence + 1 END, node = excluded.node,
                                 until = excluded.until
WHERE t.node = excluded.node OR t.until <= clock_ms()

-- name: give_up_lease
-- key: duty
UPDATE leases t SET until = 0 FROM (SELECT unnest($1::text[]) AS duty, unnest($2::text[]) AS node) AS d WHERE t.duty = d.duty AND t.node = d.node

-- name: reading
-- key: at, node
INSERT INTO readings (at, node, body) SELECT unnest($1::bigint[]), unnest($2::text[]), unnest($3::bytea[]) ON CONFLICT DO NOTHING

-- name: forget_readings
-- key: at
DELETE FROM readings t USING (SELECT at, node FROM readings WHERE at < ($1::bigint[])[1] ORDER BY at LIMIT ($2::bigint[])[1]) AS d
WHERE t.at = d.at AND t.node = d.node

-- name: room_minutes
-- key: room, at, node
INSERT INTO room_minutes AS t (room, at, node, viewers, seen, tapped)
SELECT unnest($1::text[]), unnest($2::bigint[]), unnest($3::text[]), unnest($4::bigint[]), unnest($5::bigint[]), unnest($6::bigint[])
ON CONFLICT (room, at, node) DO UPDATE SET viewers = greatest(t.viewers, excluded.viewers), seen = t.seen + excluded.seen,
                                           tapped = t.tapped + excluded.tapped

-- name: lights
-- key: at
INSERT INTO lights AS t (id, at, took_ms, body) SELECT 1, unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::text[])
ON CONFLICT (id) DO UPDATE SET at = excluded.at, took_ms = excluded.took_ms, body = excluded.body WHERE t.at <= excluded.at

-- name: log_size
-- key: id
UPDATE log t SET size = d.grown, checkpoint = d.checkpoint
FROM (SELECT 1 AS id, unnest($1::bigint[]) AS size, unnest($2::bigint[]) AS grown, unnest($3::text[]) AS checkpoint) AS d
WHERE t.id = d.id AND t.size = d.size

-- name: log_leaves
-- key: place
INSERT INTO log_leaves (place, leaf, transfer, order_id, pledge, version, tally, pool, slot)
SELECT unnest($1::bigint[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::uuid[]), unnest($5::uuid[]), unnest($6::bigint[]), unnest($7::text[]),
       unnest($8::uuid[]), unnest($9::bigint[])

-- name: log_done
-- key: seq
DELETE FROM log_outbox t USING (SELECT unnest($1::bigint[]) AS seq) AS d WHERE t.seq = d.seq

-- name: cosigned
-- key: id
UPDATE log t SET checkpoint = d.checkpoint FROM (SELECT unnest($1::bigint[]) AS size, unnest($2::text[]) AS checkpoint) AS d
WHERE t.size = d.size

-- name: name_log
-- key: id
UPDATE log SET origin = ($1::text[])[1] WHERE origin IS NULL

-- name: audit
-- key: id
INSERT INTO audit (at, actor, action, subject, reason) SELECT unnest($1::bigint[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[])

-- name: lots
-- key: sale
UPDATE lots t SET held = t.held + d.held, sold = t.sold + d.sold FROM (SELECT unnest($1::uuid[]) AS sale, unnest($2::bigint[]) AS held, unnest($3::bigint[]) AS sold) AS d
WHERE t.sale = d.sale

-- name: leftovers
-- key: sale
-- Of several lots of one product, the sum.
WITH freed AS (SELECT l.sale, l.stock - l.held - l.sold AS units FROM lots l WHERE l.sale = ANY ($1::uuid[]) FOR UPDATE),
     returned AS (UPDATE products t SET on_hand = t.on_hand + r.units
                  FROM (SELECT s.sku, CAST(sum(f.units) AS bigint) AS units FROM freed f JOIN sales s ON s.id = f.sale GROUP BY s.sku) r
                  WHERE t.sku = r.sku),
     lowered AS (UPDATE lots t SET stock = t.held + t.sold FROM freed f WHERE t.sale = f.sale RETURNING 1)
SELECT whole(count(*), cardinality($1)) FROM lowered

-- name: pledge_sums
-- key: pledge
SELECT change_pledge_sums($1, $2, $3, $4, $5, $6)

-- name: matches
-- key: claim
SELECT change_matches($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: lock_totals
-- key: account
-- Whoever posts to these accounts waits here: ids of transfers are given in the order of commits, for each account.
INSERT INTO totals AS t (account, code, debits, credits, newest) SELECT account, code, 0, 0, 0
FROM (SELECT unnest($1::bigint[]) AS account, unnest($2::bigint[]) AS code) AS d
ON CONFLICT (account, code) DO UPDATE SET newest = t.newest WHERE false

-- name: transfers
-- key: id
-- Ids come in blocks, one for each statement, so that the node knows which of them is the last of an account.
INSERT INTO transfers (id, at, code, debit, credit, amount, order_id)
SELECT (SELECT nextval('transfer_blocks')) * 16384 + unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[]),
       unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::uuid[])

-- name: totals
-- key: account, code
UPDATE totals t SET debits = t.debits + d.debits, credits = t.credits + d.credits,
                    newest = (SELECT currval('transfer_blocks')) * 16384 + d.newest
FROM (SELECT unnest($1::bigint[]) AS account, unnest($2::bigint[]) AS code, unnest($3::bigint[]) AS debits,
             unnest($4::bigint[]) AS credits, unnest($5::bigint[]) AS newest) AS d
WHERE t.account = d.account AND t.code = d.code

-- name: accounts
-- key: name
INSERT INTO accounts (name, currency) SELECT unnest($1::text[]), unnest($2::text[]) ON CONFLICT DO NOTHING

-- name: account_ids
-- key: name
SELECT a.id, a.name, a.currency FROM accounts a JOIN (SELECT unnest($1::text[]) AS name, unnest($2::text[]) AS currency) AS d
ON a.name = d.name AND a.currency = d.currency

-- name: commit
-- key: id
INSERT INTO commits (id, at) SELECT id, clock_ms() FROM (SELECT unnest($1::uuid[]) AS id) AS d

-- name: ask_commit
-- key: id
-- A row for a transaction that committed. Its own mark is waited for when it is still under way; where there is none, one is put that
-- makes it void for ever.
SELECT settle_commit($1)

-- name: once_content
-- key: key
SELECT key, content FROM once WHERE key = ANY ($1::uuid[])
