-- Triplets of greylisting, by a hash of network, sender and recipient.
CREATE TABLE triplet (
    key BLOB PRIMARY KEY,
    first REAL NOT NULL,
    passed REAL NOT NULL,  -- 0: not yet
    until REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX triplet_until ON triplet (until);

-- What networks have brought; counts as they stood at `at`.
CREATE TABLE network (
    network TEXT PRIMARY KEY,
    accepted REAL NOT NULL,
    unwanted REAL NOT NULL,
    unknown REAL NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX network_at ON network (at);
