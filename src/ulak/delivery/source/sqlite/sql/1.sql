-- What sources and tenants have taken of what they may send, version 1.

CREATE TABLE sent (
    what TEXT NOT NULL,  -- `source:NAME` or `tenant:NAME`
    place TEXT NOT NULL,  -- a site; '' for everywhere
    start INTEGER NOT NULL,  -- of the span that is counted, in seconds since the epoch
    "end" INTEGER NOT NULL,  -- the first second after it
    taken INTEGER NOT NULL,
    PRIMARY KEY (what, place, start, "end")
) STRICT, WITHOUT ROWID;
CREATE INDEX sent_by_end ON sent ("end");
