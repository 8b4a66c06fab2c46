-- Version 2: the list of one of several servers, which keep it together.

-- What was changed here and the others have not been told yet; what it is now stands in `suppressed`,
-- or is gone.
CREATE TABLE untold (
    address TEXT NOT NULL,
    whose TEXT NOT NULL,
    n INTEGER NOT NULL,  -- of the change: who tells it takes only that one off
    PRIMARY KEY (address, whose)
) STRICT, WITHOUT ROWID;
CREATE INDEX untold_n ON untold (n);

-- How far the others have been heard, in one row while they are heard at all.
CREATE TABLE heard (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    name TEXT NOT NULL  -- of the list that the number is of
) STRICT;
