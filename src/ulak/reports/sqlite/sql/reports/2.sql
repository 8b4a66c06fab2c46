-- Reports about TLS (RFC 8460) go the way of those about DMARC: `kind` tells them apart.
CREATE TABLE issue_ (
    report_id TEXT PRIMARY KEY,
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    organizational TEXT NOT NULL,
    octets BLOB,
    made REAL NOT NULL,
    kind TEXT NOT NULL DEFAULT 'dmarc',
    UNIQUE (kind, day, domain)
) WITHOUT ROWID;
INSERT INTO issue_ (report_id, day, domain, organizational, octets, made)
    SELECT report_id, day, domain, organizational, octets, made FROM issue;
DROP TABLE issue;
ALTER TABLE issue_ RENAME TO issue;
ALTER TABLE parcel ADD COLUMN kind TEXT NOT NULL DEFAULT 'dmarc';

-- Sessions with hosts of a domain, by policy and by what became of them, as text.
CREATE TABLE tls_counted (
    day INTEGER NOT NULL,       -- of UTC, since the epoch
    domain TEXT NOT NULL,       -- that of the policy
    row TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, domain, row)
) WITHOUT ROWID;
