-- The queue, version 7: what is on its way to another store or from one (`ulak.queue.moving`).
--
-- A recipient's `state` has a third bit: 4 for what has come from another store that may have it
-- still. It is never leased, and unlike the leased bit it stays when the store is opened.

ALTER TABLE store ADD COLUMN identity TEXT NOT NULL DEFAULT '';  -- tells it from all other stores
UPDATE store SET identity = lower(hex(randomblob(16)));

CREATE TABLE arriving (
    message INTEGER PRIMARY KEY,
    origin TEXT NOT NULL  -- the identity of the store that it comes from
) STRICT;

-- Messages that are gone from here since they are there: until that is known there.
CREATE TABLE departed (
    target TEXT NOT NULL,  -- the identity of the store that they went to
    id TEXT NOT NULL,
    PRIMARY KEY (target, id)
) STRICT, WITHOUT ROWID;
