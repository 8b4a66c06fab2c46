-- Addresses that nothing is sent to, version 1.

CREATE TABLE suppressed (
    address TEXT NOT NULL,  -- the domain in lower-case A-labels, before it as it is
    whose TEXT NOT NULL,  -- the domain of the senders for whom it stands here; '': for all
    cause TEXT NOT NULL,
    reply TEXT NOT NULL,
    message TEXT NOT NULL,  -- the id of the one that it was about
    since REAL NOT NULL,
    until REAL NOT NULL,  -- in seconds since the epoch; 0: until it is removed
    PRIMARY KEY (address, whose)
) STRICT, WITHOUT ROWID;

CREATE INDEX suppressed_since ON suppressed (since);
CREATE INDEX suppressed_until ON suppressed (until) WHERE until > 0;
