-- What each kind of write does to many rows at once: a name, the columns that name a row, and a statement over arrays of columns.
-- Rows come in the order of their keys, so that nodes lock them in the same order. `statements.rs` adds how a row that is not changed is
-- found out.

-- name: once
-- key: key
INSERT INTO once (key, content) SELECT * FROM unnest($1::uuid[], $2::bytea[])

-- name: provider_event
-- key: id
INSERT INTO provider_events (id, kind, subject, seen_at) SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[])

-- name: new_room
-- key: id
INSERT INTO rooms (id, host, state, body, version) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])

-- name: next_room
-- key: id
UPDATE rooms t SET host = d.host, state = d.state, body = d.body, version = d.version
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) AS d (id, host, state, body, version)
WHERE t.id = d.id AND t.version = d.version - 1

-- name: pardon
-- key: subject
DELETE FROM sanctions t USING unnest($1::text[], $2::text[]) AS d (subject, room) WHERE t.subject = d.subject AND t.room = d.room

-- name: sanction
-- key: subject
INSERT INTO sanctions (subject, room, muted_until) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (room, subject) DO UPDATE SET muted_until = excluded.muted_until

-- name: new_product
-- key: sku
INSERT INTO products (sku, host, on_hand, price, currency, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])

-- name: stock
-- key: sku
UPDATE products t SET on_hand = t.on_hand + d.change FROM unnest($1::text[], $2::bigint[]) AS d (sku, change)
WHERE t.sku = d.sku AND t.on_hand + d.change >= 0

-- name: pledge
-- key: id
INSERT INTO pledges AS t (id, version, host, base, share_ppm, per_unit, cap, currency, rounding, starts_at, ends_at, body)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[],
                     $10::bigint[], $11::bigint[], $12::text[])
         AS d (id, version, host, base, share_ppm, per_unit, cap, currency, rounding, starts_at, ends_at, body)
WHERE d.version = 1 + coalesce((SELECT max(p.version) FROM pledges p WHERE p.id = d.id), 0)

-- name: new_sale
-- key: id
INSERT INTO sales (id, room, sku, price, currency, limit_per_buyer, hold_ms, duration_ms, opens_at, state, closes_at, close_reason, pledge,
                   pledge_version, version)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                     $10::text[], $11::bigint[], $12::text[], $13::uuid[], $14::bigint[], $15::bigint[])

-- name: new_lot
-- key: sale
INSERT INTO lots (sale, set_aside, stock, held, sold) SELECT sale, stock, stock, 0, 0 FROM unnest($1::uuid[], $2::bigint[]) AS d (sale, stock)

-- name: next_sale
-- key: id
UPDATE sales t SET state = d.state, closes_at = d.closes_at, close_reason = d.close_reason, version = d.version
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]) AS d (id, state, closes_at, close_reason, version)
WHERE t.id = d.id AND t.version = d.version - 1

-- name: new_order
-- key: id
INSERT INTO orders (id, stage, held_until, offered, hold, paid_at, parcel, refunded, charity, sale, room, sku, buyer, quantity, unit_price,
                    currency, wait, placed_at, version, under_way_since)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[],
                     $10::uuid[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::text[], $17::bigint[],
                     $18::bigint[], $19::bigint[], $20::bigint[])

-- name: next_order
-- key: id
-- The content of an order (sale to placed_at) is never updated.
UPDATE orders t SET stage = d.stage, held_until = d.held_until, offered = d.offered, hold = d.hold, paid_at = d.paid_at,
                    parcel = coalesce(d.parcel, t.parcel), refunded = d.refunded, charity = d.charity, version = d.version,
                    under_way_since = d.under_way_since
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[],
            $10::uuid[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::text[], $17::bigint[],
            $18::bigint[], $19::bigint[], $20::bigint[])
     AS d (id, stage, held_until, offered, hold, paid_at, parcel, refunded, charity, sale, room, sku, buyer, quantity, unit_price, currency,
           wait, placed_at, version, under_way_since)
WHERE t.id = d.id AND t.version = d.version - 1 AND t.sale = d.sale AND t.room = d.room AND t.sku = d.sku AND t.buyer = d.buyer
  AND t.quantity = d.quantity AND t.unit_price = d.unit_price AND t.currency = d.currency AND t.wait = d.wait AND t.placed_at = d.placed_at

-- name: address
-- key: order_id
INSERT INTO addresses (order_id, name, phone, address) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (order_id) DO UPDATE SET name = excluded.name, phone = excluded.phone, address = excluded.address

-- name: hold
-- key: order_id, hold
INSERT INTO holds (order_id, hold, sale, quantity, expires_at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[])

-- name: end_hold
-- key: order_id, hold
UPDATE holds t SET outcome = d.outcome, ended_at = d.ended_at
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[]) AS d (order_id, hold, outcome, ended_at)
WHERE t.order_id = d.order_id AND t.hold = d.hold AND t.outcome IS NULL

-- name: new_payment
-- key: id
INSERT INTO payments (id, state, reason, order_id, amount, currency, method, created_at, version)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::bigint[], $9::bigint[])

-- name: next_payment
-- key: id
UPDATE payments t SET state = d.state, reason = d.reason, version = d.version
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::bigint[], $9::bigint[])
     AS d (id, state, reason, order_id, amount, currency, method, created_at, version)
WHERE t.id = d.id AND t.version = d.version - 1 AND t.order_id = d.order_id AND t.amount = d.amount AND t.currency = d.currency
  AND t.method = d.method AND t.created_at = d.created_at

-- name: refund
-- key: id
INSERT INTO refunds (id, payment, order_id, amount, currency, reason, requested_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::bigint[])

-- name: refund_done
-- key: id
UPDATE refunds t SET done_at = d.done_at FROM unnest($1::uuid[], $2::bigint[]) AS d (id, done_at) WHERE t.id = d.id AND t.done_at IS NULL

-- name: remittance
-- key: id
INSERT INTO remittances (id, pledge, amount, currency, proof, at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::bigint[])

-- name: task
-- key: subject, kind
INSERT INTO outbox (subject, kind, created_at) SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])

-- name: task_done
-- key: subject, kind
DELETE FROM outbox t USING unnest($1::uuid[], $2::text[]) AS d (subject, kind) WHERE t.subject = d.subject AND t.kind = d.kind

-- name: fence
-- key: duty, fence
-- The share lock keeps the lease as it is until this transaction has ended.
SELECT t.duty, t.fence FROM leases t JOIN unnest($1::text[], $2::bigint[]) AS d (duty, fence) ON t.duty = d.duty AND t.fence = d.fence
WHERE t.until > clock_ms() FOR SHARE OF t

-- name: take_lease
-- key: duty
INSERT INTO leases AS t (duty, node, fence, until) SELECT d.duty, d.node, 1, clock_ms() + d.ms
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS d (duty, node, ms)
ON CONFLICT (duty) DO UPDATE SET fence = CASE WHEN t.until > clock_ms() THEN t.fence ELSE t.fence + 1 END, node = excluded.node,
                                 until = excluded.until
WHERE t.node = excluded.node OR t.until <= clock_ms()

-- name: give_up_lease
-- key: duty
UPDATE leases t SET until = 0 FROM unnest($1::text[], $2::text[]) AS d (duty, node) WHERE t.duty = d.duty AND t.node = d.node

-- name: audit
-- key: id
INSERT INTO audit (at, actor, action, subject, reason) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])

-- name: lots
-- key: sale
UPDATE lots t SET held = t.held + d.held, sold = t.sold + d.sold FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS d (sale, held, sold)
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
SELECT change_pledge_sums($1, $2, $3, $4, $5)

-- name: lock_totals
-- key: account
-- Whoever posts to these accounts waits here: ids of transfers are given in the order of commits, for each account.
INSERT INTO totals AS t (account, code, debits, credits, newest) SELECT account, code, 0, 0, 0
FROM unnest($1::bigint[], $2::bigint[]) AS d (account, code)
ON CONFLICT (account, code) DO UPDATE SET newest = t.newest WHERE false

-- name: transfers
-- key: id
WITH posted AS (
    INSERT INTO transfers (at, code, debit, credit, amount, order_id)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[])
    RETURNING id, code, debit, credit, amount)
UPDATE totals t SET debits = t.debits + d.debits, credits = t.credits + d.credits, newest = d.newest
FROM (SELECT account, code, CAST(sum(debits) AS bigint) AS debits, CAST(sum(credits) AS bigint) AS credits, max(id) AS newest
      FROM (SELECT debit AS account, code, amount AS debits, 0 AS credits, id FROM posted
            UNION ALL SELECT credit, code, 0, amount, id FROM posted) lines
      GROUP BY account, code) d
WHERE t.account = d.account AND t.code = d.code

-- name: accounts
-- key: name
INSERT INTO accounts (name, currency) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING

-- name: account_ids
-- key: name
SELECT a.id, a.name, a.currency FROM accounts a JOIN unnest($1::text[], $2::text[]) AS d (name, currency)
ON a.name = d.name AND a.currency = d.currency

-- name: commit
-- key: id
INSERT INTO commits (id, at) SELECT id, clock_ms() FROM unnest($1::uuid[]) AS d (id)

-- name: ask_commit
-- key: id
-- A row for a transaction that committed. Its own mark is waited for when it is still under way; where there is none, one is put that
-- makes it void for ever.
SELECT settle_commit($1)

-- name: once_content
-- key: key
SELECT key, content FROM once WHERE key = ANY ($1::uuid[])
