-- The queue, version 4: what was taken under a key, so that it is not taken twice.
--
-- A row comes in the transaction that brings its message, and stays when the message is gone.

CREATE TABLE receipt (
    key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,  -- of what was handed in
    answer TEXT NOT NULL,  -- what was said to it, JSON
    time REAL NOT NULL  -- in seconds since the epoch
) STRICT, WITHOUT ROWID;

CREATE INDEX receipt_by_time ON receipt (time);
