-- What was seen since its report: one row of a report each, as text, with its number.
CREATE TABLE counted (
    day INTEGER NOT NULL,       -- of UTC, since the epoch
    domain TEXT NOT NULL,       -- where the DMARC record was found
    row TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, domain, row)
) WITHOUT ROWID;

-- The policy that was seen last.
CREATE TABLE policy (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    record TEXT NOT NULL,
    organizational TEXT NOT NULL,
    seen REAL NOT NULL,
    rows INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    PRIMARY KEY (day, domain)
) WITHOUT ROWID;

-- Reports that were made. The octets go with the last open parcel.
CREATE TABLE issue (
    report_id TEXT PRIMARY KEY,
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    organizational TEXT NOT NULL,
    octets BLOB,
    made REAL NOT NULL,
    UNIQUE (day, domain)
) WITHOUT ROWID;

CREATE TABLE parcel (
    id TEXT PRIMARY KEY,        -- of its message in the queue
    report_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    uri TEXT NOT NULL,
    address TEXT NOT NULL,
    size INTEGER,
    state TEXT NOT NULL,
    due REAL NOT NULL,
    tries INTEGER NOT NULL,
    why TEXT NOT NULL,
    changed REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX parcel_open ON parcel (due) WHERE state IN ('asking', 'ready', 'held');
CREATE INDEX parcel_report ON parcel (report_id);

-- Reports of others.
CREATE TABLE report (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    organization TEXT NOT NULL,
    report_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    "begin" INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    received REAL NOT NULL,
    source TEXT NOT NULL,
    octets BLOB NOT NULL,       -- JSON, packed by zlib
    UNIQUE (kind, organization, report_id, domain)
);
CREATE INDEX report_domain ON report (domain, "begin");
