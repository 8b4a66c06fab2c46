-- Events that wait for the receivers of webhooks, version 1.

CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: receivers know an event by it
    time REAL NOT NULL,  -- in seconds since the epoch
    body TEXT NOT NULL  -- JSON
) STRICT;

CREATE TABLE due (
    hook TEXT NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (hook, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX due_event ON due (event);

CREATE TABLE hook (
    name TEXT NOT NULL PRIMARY KEY,
    taken REAL NOT NULL DEFAULT 0,  -- when it last took something
    tried REAL NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,  -- in a row
    problem TEXT NOT NULL DEFAULT '',
    off REAL NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0  -- events that were given up for it
) STRICT, WITHOUT ROWID;

-- An event goes with the last who waits for it.
CREATE TRIGGER due_last AFTER DELETE ON due
WHEN NOT EXISTS (SELECT 1 FROM due WHERE event = OLD.event)
BEGIN
    DELETE FROM event WHERE number = OLD.event;
END;
