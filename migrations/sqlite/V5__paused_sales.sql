-- A sale that is open and takes no orders for now.
ALTER TABLE sales ADD COLUMN paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));
