-- What many nodes need of a record. On SQLite there is one node; the tables are the same.

-- What stands accrued under a pledge (accrued less reversed), and what of it is owed to the charity (confirmed less taken back less
-- remitted). A cache of the transfers, and the place where a cap and a remittance are refused; `apricot check` compares the two.
CREATE TABLE pledge_sums (
    pledge      BLOB NOT NULL CHECK (length(pledge) = 16),
    currency    TEXT NOT NULL,
    standing    INTEGER NOT NULL CHECK (standing >= 0),
    payable     INTEGER NOT NULL CHECK (payable >= 0),
    PRIMARY KEY (pledge, currency)
) STRICT, WITHOUT ROWID;

INSERT INTO pledge_sums (pledge, currency, standing, payable)
SELECT unhex(pledge), currency, sum(standing), sum(payable) FROM (
    SELECT replace(substr(a.name, instr(a.name, '/') + 1), '-', '') AS pledge, a.currency AS currency,
           CASE t.code WHEN 3 THEN t.amount ELSE 0 END AS standing,
           CASE t.code WHEN 5 THEN t.amount ELSE 0 END AS payable
    FROM transfers t JOIN accounts a ON a.id = t.credit WHERE t.code IN (3, 5)
    UNION ALL
    SELECT replace(substr(a.name, instr(a.name, '/') + 1), '-', ''), a.currency,
           CASE t.code WHEN 4 THEN -t.amount ELSE 0 END,
           CASE WHEN a.name LIKE 'charity_payable/%' THEN -t.amount ELSE 0 END
    FROM transfers t JOIN accounts a ON a.id = t.debit WHERE t.code IN (4, 6)) lines
GROUP BY pledge, currency;

-- Duties that one node at a time does. The fence grows each time a lease is taken, and says of a write which holder it is from.
CREATE TABLE leases (
    duty        TEXT PRIMARY KEY CHECK (duty = 'keeper'),
    node        TEXT NOT NULL,
    fence       INTEGER NOT NULL CHECK (fence > 0),
    until       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
