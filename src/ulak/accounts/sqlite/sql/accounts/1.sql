-- The accounts, version 1. No password is in here: `password` is its argon2id hash, and the SCRAM
-- keys are what RFC 5802 §3 lets a server keep.

CREATE TABLE account (
    key TEXT PRIMARY KEY,  -- the login name as names are compared (accounts.account.key_of)
    address TEXT NOT NULL,  -- the login name as it was given
    password TEXT NOT NULL,  -- '' for none
    scram_salt BLOB,  -- all four are there or none
    scram_iterations INTEGER,
    scram_stored_key BLOB,
    scram_server_key BLOB,
    send_as TEXT NOT NULL,  -- one address a line
    disabled INTEGER NOT NULL,
    messages_per_hour INTEGER,  -- NULL: as the configuration says
    recipients_per_hour INTEGER,
    made REAL NOT NULL,  -- seconds since the epoch
    changed REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Drawn once; what is told of names that have no account is made of it (RFC 5802 §9).
CREATE TABLE secret (
    octets BLOB NOT NULL
) STRICT;
