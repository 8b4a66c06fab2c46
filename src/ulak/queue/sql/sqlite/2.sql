-- The queue, version 2: what extensions let a sender ask for, and an order by it.
--
-- Mail without wishes costs what it did: three columns that say so in the header of their rows.

-- JSON as `ulak.queue.wishes` writes it; NULL: nothing was asked.
ALTER TABLE message ADD COLUMN wishes TEXT;  -- of the whole message
ALTER TABLE message ADD COLUMN asked TEXT;  -- of its recipients, by their names

-- That of its message (RFC 6710).
ALTER TABLE pending ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;

-- As before, for one priority after the other; nearly always there is only 0.
DROP INDEX pending_by_due;
CREATE INDEX pending_by_due ON pending (state, priority, due, message, n, domain);
DROP INDEX pending_by_domain;
CREATE INDEX pending_by_domain ON pending (domain, priority, due, message, n) WHERE state = 0;
