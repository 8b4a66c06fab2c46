-- Policies of MTA-STS (RFC 8461), as they were fetched last. `mx` are patterns, apart by blanks.
CREATE TABLE policy (
    domain TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    mode TEXT NOT NULL,
    mx TEXT NOT NULL,
    max_age INTEGER NOT NULL,
    fetched REAL NOT NULL,
    stale REAL NOT NULL,
    expires REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX policy_stale ON policy (stale);
CREATE INDEX policy_expires ON policy (expires);
