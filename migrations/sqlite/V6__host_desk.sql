-- What the host's desk needs. Since then a host may put units into the lot of a sale that has not closed, or take some back: `lots.set_aside` and
-- `lots.stock` change together, so that a running sale still has its whole stock in its lot.
CREATE INDEX pledges_by_host ON pledges (host);
