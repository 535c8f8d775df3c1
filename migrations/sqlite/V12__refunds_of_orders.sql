-- What was refunded of an order when a line of its gift was posted: the log's leaves say what stayed paid.
CREATE INDEX refunds_by_order ON transfers (order_id) WHERE code = 8;
