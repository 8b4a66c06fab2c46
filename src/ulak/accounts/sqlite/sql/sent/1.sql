-- What accounts have sent, version 1: one row for each account and hour in which it sent.

CREATE TABLE sent (
    account TEXT NOT NULL,  -- its key
    hour INTEGER NOT NULL,  -- hours since the epoch
    messages INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    PRIMARY KEY (account, hour)
) STRICT, WITHOUT ROWID;
