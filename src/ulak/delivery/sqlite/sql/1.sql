-- What is known of sites, version 1. Times are in seconds since the epoch.

CREATE TABLE terms (
    site TEXT NOT NULL,
    source TEXT NOT NULL,
    changed REAL NOT NULL,
    attempts REAL NOT NULL,  -- at a time
    interval REAL NOT NULL,  -- seconds between two, 0 where nothing limits that
    learned REAL NOT NULL,  -- when that was learned
    suspension TEXT,  -- JSON; NULL: it is sent to
    PRIMARY KEY (site, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX terms_by_change ON terms (changed);

-- Who may begin attempts beyond its part of a limit, and who waits for that.
CREATE TABLE claim (
    site TEXT NOT NULL,
    source TEXT NOT NULL,
    worker INTEGER NOT NULL,
    since REAL NOT NULL,  -- when it was asked for first
    last REAL NOT NULL,  -- and last
    until REAL NOT NULL,  -- 0: it waits
    PRIMARY KEY (site, source, worker)
) STRICT, WITHOUT ROWID;
