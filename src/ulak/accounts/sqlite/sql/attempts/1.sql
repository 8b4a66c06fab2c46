-- Who has failed to log in, version 1. A lost row is a forgotten failure.

CREATE TABLE record (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,  -- whom it is about (accounts.attempts.Key)
    count REAL NOT NULL,
    at REAL NOT NULL,  -- when it was last changed, in seconds since the epoch
    bans INTEGER NOT NULL,
    until REAL NOT NULL,  -- 0: not shut out
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX record_by_age ON record (kind, at);
CREATE INDEX record_shut_out ON record (until) WHERE until > 0;
