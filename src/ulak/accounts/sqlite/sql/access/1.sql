-- What programs show to the API, version 1.

CREATE TABLE token (
    name TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,  -- SHA-256, in hexadecimal
    scopes TEXT NOT NULL,  -- between spaces (accounts.access.SCOPES)
    made REAL NOT NULL,
    until REAL NOT NULL  -- in seconds since the epoch; 0: without end
) STRICT, WITHOUT ROWID;
