-- The queue, version 1.
--
-- `seq` numbers messages in the order in which they came; it is also the name of a body's file.
-- A recipient's `state` is two bits: 1 for leased, 2 for held; so 0 is ready, and a lease that
-- ends gives back what was before it by taking its bit away.

CREATE TABLE store (
    epoch INTEGER NOT NULL  -- how often it was opened; part of every lease's token
) STRICT;
INSERT INTO store VALUES (0);

CREATE TABLE message (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    sender TEXT NOT NULL,
    size INTEGER NOT NULL,
    received REAL NOT NULL,
    smtputf8 INTEGER NOT NULL,
    kind TEXT NOT NULL,  -- of the body: 7BIT, 8BITMIME
    language TEXT NOT NULL,
    session TEXT NOT NULL,
    recipients TEXT  -- of the envelope, a JSON array; NULL: the only one, which stands in pending
) STRICT;

-- Apart, so that who lists or leases does not page through mail. No row: it is in a file.
CREATE TABLE body (
    seq INTEGER PRIMARY KEY,
    octets BLOB NOT NULL
) STRICT;

CREATE TABLE pending (
    message INTEGER NOT NULL,
    n INTEGER NOT NULL,  -- its place among the recipients of the message
    recipient TEXT NOT NULL,
    domain TEXT NOT NULL,
    state INTEGER NOT NULL,
    due REAL NOT NULL,
    attempts INTEGER NOT NULL,
    cause TEXT NOT NULL,
    reply TEXT NOT NULL,
    host TEXT NOT NULL,
    warned INTEGER NOT NULL,
    PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

-- What is due, in its order, with all that a lease has to look at.
CREATE INDEX pending_by_due ON pending (state, due, message, n, domain);

-- The same by domain, for when most of what is due has to wait for its domain. Nothing that is
-- leased as it comes and then done is ever in here.
CREATE INDEX pending_by_domain ON pending (domain, due, message, n) WHERE state = 0;

-- The message goes with its last recipient.
CREATE TRIGGER pending_last AFTER DELETE ON pending
WHEN NOT EXISTS (SELECT 1 FROM pending WHERE message = OLD.message)
BEGIN
    DELETE FROM message WHERE seq = OLD.message;
    DELETE FROM body WHERE seq = OLD.message;
END;
