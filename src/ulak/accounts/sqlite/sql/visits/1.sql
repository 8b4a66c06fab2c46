-- Who is in the console, version 1. No token is in here: `token` is its SHA-256.

CREATE TABLE visit (
    token BLOB PRIMARY KEY,
    account TEXT NOT NULL,  -- the login name as names are compared (accounts.account.key_of)
    changed REAL NOT NULL,  -- of the account as it was let in: another one there ends the visit
    begun REAL NOT NULL,  -- seconds since the epoch
    seen REAL NOT NULL,
    ip TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX visit_account ON visit (account);
