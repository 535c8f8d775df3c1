-- A sale that is open and takes no orders for now.
ALTER TABLE sales ADD COLUMN paused boolean NOT NULL DEFAULT false;
