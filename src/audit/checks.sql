-- Each block is one rule: a name, the rule in words, and a query whose rows are violations (subject, detail).
-- Only what both SQLite and PostgreSQL understand; the latter's record has a function hex() for it.

-- name: not_oversold
-- rule: sold + held <= stock for every lot
SELECT hex(sale), 'sold ' || sold || ' + held ' || held || ' > stock ' || stock FROM lots WHERE sold + held > stock;

-- name: lot_counts_its_holds
-- rule: a lot's held and sold are the sums of its open and claimed holds
SELECT hex(l.sale), 'held ' || l.held || ' sold ' || l.sold || ', its holds say ' || coalesce(h.held, 0) || ' and ' || coalesce(h.sold, 0)
FROM lots l LEFT JOIN (
    SELECT sale, sum(CASE WHEN outcome IS NULL THEN quantity ELSE 0 END) AS held,
           sum(CASE WHEN outcome = 'claimed' THEN quantity ELSE 0 END) AS sold
    FROM holds GROUP BY sale) h ON h.sale = l.sale
WHERE l.held <> coalesce(h.held, 0) OR l.sold <> coalesce(h.sold, 0);

-- name: leftovers_returned
-- rule: a lot keeps its whole stock while its sale runs, and only what is held or sold after it closed
SELECT hex(l.sale), s.state || ': stock ' || l.stock || ' of ' || l.set_aside FROM lots l JOIN sales s ON s.id = l.sale
WHERE (s.state <> 'closed' AND l.stock <> l.set_aside) OR (s.state = 'closed' AND l.stock <> l.held + l.sold);

-- name: hold_ends_once
-- rule: an order has one open hold exactly while it is held, and one claimed hold exactly when it was paid
SELECT hex(id), stage || ': ' || holds || ' holds, open ' || open || ', claimed ' || claimed FROM (
    SELECT o.id, o.stage, o.hold, count(h.hold) AS holds, coalesce(max(h.hold), 0) AS newest,
           sum(CASE WHEN h.hold IS NOT NULL AND h.outcome IS NULL THEN 1 ELSE 0 END) AS open,
           sum(CASE WHEN h.outcome = 'claimed' THEN 1 ELSE 0 END) AS claimed
    FROM orders o LEFT JOIN holds h ON h.order_id = o.id GROUP BY o.id, o.stage, o.hold) counted
WHERE open <> CASE WHEN stage = 'held' THEN 1 ELSE 0 END
   OR claimed <> CASE WHEN stage IN ('paid', 'packed', 'shipped', 'delivered', 'confirmed', 'refunded') THEN 1 ELSE 0 END
   OR holds <> hold OR newest <> hold;

-- name: nobody_waits_in_vain
-- rule: a closed sale has nobody on its waiting list
SELECT hex(o.id), 'waits in a closed sale' FROM orders o JOIN sales s ON s.id = o.sale
WHERE s.state = 'closed' AND o.stage = 'waiting';

-- name: hold_matches_order
-- rule: a hold has the quantity and the sale of its order
SELECT hex(h.order_id), 'hold ' || h.hold || ' has ' || h.quantity || ', the order ' || o.quantity
FROM holds h JOIN orders o ON o.id = h.order_id WHERE h.quantity <> o.quantity OR h.sale <> o.sale;

-- name: references_hold
-- rule: every hold has its order and its lot, every transfer its accounts
SELECT hex(h.order_id), 'hold ' || h.hold || ' without its order or its lot' FROM holds h
LEFT JOIN orders o ON o.id = h.order_id LEFT JOIN lots l ON l.sale = h.sale WHERE o.id IS NULL OR l.sale IS NULL
UNION ALL
SELECT 'transfer ' || t.id, 'without its accounts' FROM transfers t
LEFT JOIN accounts d ON d.id = t.debit LEFT JOIN accounts c ON c.id = t.credit WHERE d.id IS NULL OR c.id IS NULL;

-- name: limit_kept
-- rule: what a buyer has waiting, held or paid in one sale is within the sale's limit; holds past their time do not count
SELECT o.buyer, sum(o.quantity) || ' units, the limit is ' || s.limit_per_buyer
FROM orders o JOIN sales s ON s.id = o.sale WHERE o.stage NOT IN ('released', 'expired')
  AND NOT (o.stage = 'held' AND o.held_until <= (SELECT max(placed_at) FROM orders newest WHERE newest.sale = o.sale))
GROUP BY o.sale, o.buyer, s.limit_per_buyer HAVING sum(o.quantity) > s.limit_per_buyer;

-- name: trial_balance_zero
-- rule: debits equal credits in every currency
SELECT currency, 'debits less credits: ' || sum(amount) FROM (
    SELECT a.currency AS currency, t.amount AS amount FROM transfers t JOIN accounts a ON a.id = t.debit
    UNION ALL
    SELECT a.currency, -t.amount FROM transfers t JOIN accounts a ON a.id = t.credit) lines
GROUP BY currency HAVING sum(amount) <> 0;

-- name: totals_are_the_transfers
-- rule: the cached total of every account and code is the sum of its transfers
SELECT a.name, 'code ' || code || ': off by ' || sum(debit) || ' and ' || sum(credit) FROM (
    SELECT debit AS account, code, amount AS debit, 0 AS credit FROM transfers
    UNION ALL SELECT credit, code, 0, amount FROM transfers
    UNION ALL SELECT account, code, -debits, -credits FROM totals) lines
JOIN accounts a ON a.id = lines.account
GROUP BY a.name, code HAVING sum(debit) <> 0 OR sum(credit) <> 0;

-- name: pledge_sums_are_the_transfers
-- rule: what stands accrued under a pledge is the sum of its transfers, and what is payable or set aside of each part too
-- charity_accrued/ and charity_payable/ have 16 characters; then come the pledge's 36, and of every part but the first a dot and its number.
SELECT pledge || '.' || part, 'standing off by ' || sum(standing) || ', payable off by ' || sum(payable) FROM (
    SELECT replace(substr(a.name, 17, 36), '-', '') AS pledge, '0' AS part, a.currency AS currency, t.amount AS standing, 0 AS payable
    FROM transfers t JOIN accounts a ON a.id = t.credit WHERE t.code = 3
    UNION ALL
    SELECT replace(substr(a.name, 17, 36), '-', ''), '0', a.currency, -t.amount, 0
    FROM transfers t JOIN accounts a ON a.id = t.debit WHERE t.code = 4
    UNION ALL
    SELECT replace(substr(a.name, 17, 36), '-', ''), coalesce(nullif(substr(a.name, 54), ''), '0'), a.currency, 0, t.amount
    FROM transfers t JOIN accounts a ON a.id = t.credit WHERE t.code = 5
    UNION ALL
    SELECT replace(substr(a.name, 17, 36), '-', ''), coalesce(nullif(substr(a.name, 54), ''), '0'), a.currency, 0, -t.amount
    FROM transfers t JOIN accounts a ON a.id = t.debit WHERE t.code IN (4, 6) AND a.name LIKE 'charity_payable/%'
    UNION ALL
    SELECT lower(hex(pledge)), CAST(part AS TEXT), currency, -standing, -payable FROM pledge_sums
    UNION ALL
    SELECT lower(hex(l.pledge)), CAST(l.part AS TEXT), u.currency, 0, -l.amount
    FROM remittance_lines l JOIN remittance_runs u ON u.id = l.run WHERE u.state IN ('proposed', 'approved')) lines
GROUP BY pledge, part, currency HAVING sum(standing) <> 0 OR sum(payable) <> 0;

-- name: caps_kept
-- rule: what stands accrued under a capped pledge is within its cap, the highest of its versions
SELECT hex(s.pledge), s.standing || ' stands accrued, the cap is ' || p.cap
FROM pledge_sums s JOIN (SELECT id, max(currency) AS currency, max(cap) AS cap FROM pledges GROUP BY id HAVING count(*) = count(cap)) p
    ON p.id = s.pledge AND p.currency = s.currency
WHERE s.standing > p.cap;

-- name: paid_order_posted_once
-- rule: a paid order has one sale posting over its whole price, one commission posting and at most one accrual for each part; an unpaid one has none
SELECT hex(o.id), o.stage || ': ' || coalesce(t.sales, 0) || ' sale postings over ' || coalesce(t.amount, 0)
       || ', ' || coalesce(t.commissions, 0) || ' commission postings'
FROM orders o LEFT JOIN (
    SELECT order_id, sum(CASE WHEN code = 1 THEN 1 ELSE 0 END) AS sales, sum(CASE WHEN code = 1 THEN amount ELSE 0 END) AS amount,
           sum(CASE WHEN code = 2 THEN 1 ELSE 0 END) AS commissions, sum(CASE WHEN code = 3 THEN 1 ELSE 0 END) AS accruals,
           count(DISTINCT CASE WHEN code = 3 THEN credit END) AS parts
    FROM transfers WHERE order_id IS NOT NULL GROUP BY order_id) t ON t.order_id = o.id
WHERE CASE WHEN o.paid_at IS NOT NULL
    THEN coalesce(t.sales, 0) <> 1 OR t.amount <> o.quantity * o.unit_price OR t.commissions <> 1 OR t.accruals <> t.parts
    ELSE coalesce(t.sales, 0) + coalesce(t.commissions, 0) + coalesce(t.accruals, 0) <> 0 END;

-- name: posting_has_its_order
-- rule: every posting but a remittance belongs to a recorded order, or to a release of hearts
SELECT 'transfer ' || t.id, 'code ' || t.code FROM transfers t LEFT JOIN orders o ON o.id = t.order_id
WHERE (t.code = 6) <> (t.order_id IS NULL) OR (t.order_id IS NOT NULL AND o.id IS NULL
    AND NOT (t.code = 13 AND EXISTS (SELECT 1 FROM matches m WHERE m.claim = t.order_id AND m.release IS NOT NULL)));

-- name: order_charity_is_posted
-- rule: an order's charity share is what was accrued for it less what was reversed
SELECT hex(o.id), 'the order says ' || o.charity || ', its postings ' || coalesce(t.net, 0)
FROM orders o LEFT JOIN (
    SELECT order_id, sum(CASE WHEN code = 3 THEN amount WHEN code = 4 THEN -amount ELSE 0 END) AS net
    FROM transfers WHERE code IN (3, 4) GROUP BY order_id) t ON t.order_id = o.id
WHERE o.charity <> coalesce(t.net, 0);

-- name: refunds_are_posted
-- rule: what an order says was refunded is the sum of its refund postings and of its recorded refunds
SELECT hex(o.id), 'the order says ' || o.refunded || ', its postings ' || coalesce(t.amount, 0) || ', its refunds ' || coalesce(r.amount, 0)
FROM orders o
LEFT JOIN (SELECT order_id, sum(CASE WHEN code = 8 THEN amount ELSE 0 END) AS amount, sum(CASE WHEN code = 9 THEN amount ELSE 0 END) AS late
           FROM transfers WHERE code IN (8, 9) GROUP BY order_id) t ON t.order_id = o.id
LEFT JOIN (SELECT order_id, sum(amount) AS amount FROM refunds GROUP BY order_id) r ON r.order_id = o.id
WHERE o.refunded <> coalesce(t.amount, 0) OR o.refunded + coalesce(t.late, 0) <> coalesce(r.amount, 0);

-- name: refund_paid_back_once
-- rule: a refund that is done was paid back once, one that is not done was not
SELECT hex(o.id), 'done refunds ' || coalesce(r.done, 0) || ', paid back ' || coalesce(t.amount, 0)
FROM orders o
LEFT JOIN (SELECT order_id, sum(CASE WHEN done_at IS NOT NULL THEN amount ELSE 0 END) AS done FROM refunds GROUP BY order_id) r
    ON r.order_id = o.id
LEFT JOIN (SELECT order_id, sum(amount) AS amount FROM transfers WHERE code = 10 GROUP BY order_id) t ON t.order_id = o.id
WHERE coalesce(r.done, 0) <> coalesce(t.amount, 0);

-- name: one_payment_each
-- rule: a paid order has exactly one payment that was taken; an unpaid one has none
SELECT hex(o.id), o.stage || ': ' || coalesce(p.taken, 0) || ' payments taken'
FROM orders o LEFT JOIN (
    SELECT order_id, count(*) AS taken FROM payments WHERE state IN ('authorised', 'captured') GROUP BY order_id) p
    ON p.order_id = o.id
WHERE coalesce(p.taken, 0) <> CASE WHEN o.paid_at IS NOT NULL THEN 1 ELSE 0 END;

-- name: late_payment_goes_back
-- rule: a payment that came too late has one posting for its taking, over its whole amount
SELECT hex(p.order_id), 'late payments ' || p.amount || ', posted ' || coalesce(t.amount, 0)
FROM (SELECT order_id, sum(amount) AS amount FROM payments WHERE state IN ('refunding', 'refunded') GROUP BY order_id) p
LEFT JOIN (SELECT order_id, sum(amount) AS amount FROM transfers WHERE code = 9 GROUP BY order_id) t ON t.order_id = p.order_id
WHERE p.amount <> coalesce(t.amount, 0);

-- name: provider_is_asked
-- rule: what the provider has not answered yet is in the outbox, and nothing else is
SELECT hex(p.id), 'payment ' || p.state || ', not in the outbox' FROM payments p
LEFT JOIN outbox x ON x.subject = p.id AND x.kind = CASE p.state WHEN 'authorising' THEN 'authorise' ELSE 'capture' END
WHERE p.state IN ('authorising', 'authorised') AND x.subject IS NULL
UNION ALL
SELECT hex(r.id), 'refund not done, not in the outbox' FROM refunds r
LEFT JOIN outbox x ON x.subject = r.id AND x.kind = 'refund' WHERE r.done_at IS NULL AND x.subject IS NULL
UNION ALL
SELECT hex(x.subject), x.kind || ' is asked of the provider for nothing' FROM outbox x
LEFT JOIN payments p ON p.id = x.subject AND p.state = CASE x.kind WHEN 'authorise' THEN 'authorising' ELSE 'authorised' END
LEFT JOIN refunds r ON r.id = x.subject AND r.done_at IS NULL AND x.kind = 'refund'
WHERE p.id IS NULL AND r.id IS NULL;

-- name: remittances_are_posted
-- rule: transferred remittances are the remit postings, and no pledge remitted more than was confirmed
SELECT 'remittances', 'recorded ' || r.amount || ', posted ' || t.amount
FROM (SELECT coalesce(sum(l.amount), 0) AS amount FROM remittance_lines l JOIN remittance_runs u ON u.id = l.run WHERE u.state = 'transferred') r,
     (SELECT coalesce(sum(amount), 0) AS amount FROM transfers WHERE code = 6) t
WHERE r.amount <> t.amount
UNION ALL
SELECT a.name, 'balance ' || (sum(t.credits) - sum(t.debits)) FROM totals t JOIN accounts a ON a.id = t.account
WHERE a.name LIKE 'charity_%' AND a.name NOT LIKE 'charity_remitted/%' GROUP BY a.name HAVING sum(t.credits) < sum(t.debits);

-- name: remittances_have_two_people
-- rule: what was remitted, or waits for the bank, was approved by somebody else than who proposed it
-- Those from before runs, which have no proof, were recorded by one person.
SELECT hex(id), state || ', proposed by ' || proposer || ', approved by ' || approver FROM (
    SELECT id, state, proof, coalesce(json_extract(body, '$.proposed_by'), '') AS proposer,
           coalesce(json_extract(body, '$.approved_by'), '') AS approver
    FROM remittance_runs WHERE state IN ('approved', 'transferred')) runs
WHERE (approver = proposer OR approver = '' OR proposer = '') AND NOT (state = 'transferred' AND proof IS NULL);

-- name: pools_spent_what_they_matched
-- rule: what a pool's slots have spent, by project and by buyer and day too, is what was matched less taken back, within the budgets
SELECT hex(pool), what || ': off by ' || sum(amount) FROM (
    SELECT pool, 'slot ' || slot AS what, spent AS amount FROM pool_slots
    UNION ALL SELECT pool, 'slot ' || slot, -kept FROM matches
    UNION ALL SELECT pool, 'project ' || project, net FROM pool_projects
    UNION ALL SELECT pool, 'project ' || project, -kept FROM matches
    UNION ALL SELECT pool, 'day ' || day || ' of ' || buyer, net FROM pool_buyer_days
    UNION ALL SELECT pool, 'day ' || day || ' of ' || buyer, -kept FROM matches WHERE buyer IS NOT NULL) lines
GROUP BY pool, what HAVING sum(amount) <> 0
UNION ALL
SELECT hex(pool), 'slot ' || slot || ': spent ' || spent || ', the budget is ' || budget FROM pool_slots WHERE spent > budget OR spent < 0;

-- name: matches_are_posted
-- rule: what was matched and what was taken back of it are postings
SELECT hex(claim), 'matched off by ' || sum(given) || ', taken back off by ' || sum(back) FROM (
    SELECT claim, amount AS given, amount - kept AS back FROM matches
    UNION ALL
    SELECT order_id, CASE code WHEN 13 THEN -amount ELSE 0 END, CASE code WHEN 14 THEN -amount ELSE 0 END
    FROM transfers WHERE code IN (13, 14)) lines
GROUP BY claim HAVING sum(given) <> 0 OR sum(back) <> 0
UNION ALL
SELECT pool, 'posted off by ' || sum(net) FROM (
    SELECT replace(substr(a.name, 14), '-', '') AS pool, CASE t.code WHEN 13 THEN t.amount ELSE -t.amount END AS net
    FROM transfers t JOIN accounts a ON a.id = CASE t.code WHEN 13 THEN t.debit ELSE t.credit END WHERE t.code IN (13, 14)
    UNION ALL
    SELECT lower(hex(pool)), -spent FROM pool_slots) posted
GROUP BY pool HAVING sum(net) <> 0;

-- name: stock_not_negative
-- rule: no product has fewer than zero units on hand
SELECT sku, 'on hand ' || on_hand FROM products WHERE on_hand < 0;

-- name: lines_are_in_the_log
-- rule: every line of a charity's money and every pledge is in the public log or waits for it, once
SELECT 'transfer ' || t.id, CASE WHEN l.place IS NULL THEN 'is not in the log and does not wait' ELSE 'is in the log and waits' END
FROM transfers t LEFT JOIN log_leaves l ON l.transfer = t.id LEFT JOIN log_outbox x ON x.transfer = t.id
WHERE t.code IN (3, 4, 5, 6, 11, 13, 14) AND t.amount > 0 AND (l.place IS NULL) = (x.seq IS NULL)
UNION ALL
SELECT hex(p.id), 'version ' || p.version || CASE WHEN l.place IS NULL THEN ' is not in the log and does not wait' ELSE ' is in the log and waits' END
FROM pledges p LEFT JOIN log_leaves l ON l.pledge = p.id AND l.version = p.version
LEFT JOIN log_outbox x ON x.pledge = p.id AND x.version = p.version
WHERE (l.place IS NULL) = (x.seq IS NULL);

-- name: log_is_whole
-- rule: the public log has its leaves one after another, as many as its newest checkpoint covers
SELECT 'log', size || ' leaves are signed, ' || counted || ' are there, the last is ' || newest
FROM (SELECT size, (SELECT count(*) FROM log_leaves) AS counted, (SELECT coalesce(max(place), -1) FROM log_leaves) AS newest FROM log) sums
WHERE counted <> size OR newest <> size - 1;
