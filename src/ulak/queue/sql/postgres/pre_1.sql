-- The queue, version 1.
--
-- `seq` is made by the node that takes a message: its epoch in the upper bits, a count below. So is
-- a lease's `token`; 0 is no lease. What belongs to whom can be told by the epoch.

CREATE TABLE store (
    one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
    begun INTEGER NOT NULL,  -- the last `pre` step that was done
    ended INTEGER NOT NULL,  -- the last `post` step
    young SMALLINT NOT NULL DEFAULT 0,  -- the part of `body` where new bodies go
    young_since TIMESTAMPTZ NOT NULL DEFAULT now(),
    old SMALLINT NOT NULL DEFAULT 4,  -- where those go that have waited
    old_since TIMESTAMPTZ NOT NULL DEFAULT now(),
    lease SMALLINT NOT NULL DEFAULT 60 CHECK (lease > 0),  -- seconds that a silent node is believed to live
    older_seen TIMESTAMPTZ NOT NULL DEFAULT '-infinity',  -- when a node of a version before `begun` was there
    keep_for INTERVAL NOT NULL DEFAULT '1 day'  -- how long after that what only such a one needs is kept
);
INSERT INTO store (begun, ended) VALUES (1, 0);

CREATE SEQUENCE epoch;

-- Who works on this queue, and until when that is believed without hearing of it.
CREATE TABLE node (
    epoch BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    until TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE message (
    seq BIGINT PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL CONSTRAINT message_id UNIQUE,
    sender TEXT NOT NULL,
    size BIGINT NOT NULL,
    received DOUBLE PRECISION NOT NULL,
    smtputf8 BOOLEAN NOT NULL,
    kind TEXT NOT NULL,  -- of the body: 7BIT, 8BITMIME
    language TEXT NOT NULL,
    session TEXT NOT NULL,
    recipients TEXT,  -- of the envelope, a JSON array; NULL: the only one, which stands in pending
    wishes TEXT,  -- JSON as `ulak.queue.wishes` writes it; NULL: nothing was asked
    asked TEXT,
    account TEXT,  -- with which the client had logged in; NULL: none
    slot SMALLINT NOT NULL,  -- the part of `body` with its octets
    filed BOOLEAN NOT NULL,  -- it came in a file and is to be given in one
    until DOUBLE PRECISION  -- when its sender wants it delivered by (RFC 2852); NULL: whenever
);

CREATE INDEX message_until ON message (until) WHERE until IS NOT NULL;

CREATE TABLE pending (
    seq BIGINT NOT NULL,
    n INTEGER NOT NULL,  -- its place among the recipients of the message
    recipient TEXT NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    held BOOLEAN NOT NULL,
    token BIGINT NOT NULL,
    due DOUBLE PRECISION NOT NULL,
    attempts INTEGER NOT NULL,
    cause TEXT NOT NULL,
    reply TEXT NOT NULL,
    host TEXT NOT NULL,
    warned BOOLEAN NOT NULL,
    lane SMALLINT NOT NULL,  -- the priority, less 32 for each level (`ulak.queue.lanes`)
    source TEXT NOT NULL,
    PRIMARY KEY (seq, n)
);

-- What is due, in its order. What is leased as it comes and then done is never in here.
CREATE INDEX pending_due ON pending (lane, due, seq, n) WHERE token = 0 AND NOT held;

-- The same by domain, for when most of what is due has to wait for its domain.
CREATE INDEX pending_domain ON pending (domain, lane, due, seq, n)
    WHERE token = 0 AND NOT held;

-- The octets of messages, in parts that are emptied whole. Nothing is ever deleted in them: a
-- message that goes leaves its octets behind, and a message that stays long takes them along.
CREATE TABLE body (
    slot SMALLINT NOT NULL,
    seq BIGINT NOT NULL,
    part INTEGER NOT NULL,  -- large bodies have several
    octets BYTEA NOT NULL,
    PRIMARY KEY (slot, seq, part)
) PARTITION BY LIST (slot);
CREATE TABLE body_0 PARTITION OF body FOR VALUES IN (0);
CREATE TABLE body_1 PARTITION OF body FOR VALUES IN (1);
CREATE TABLE body_2 PARTITION OF body FOR VALUES IN (2);
CREATE TABLE body_3 PARTITION OF body FOR VALUES IN (3);
CREATE TABLE body_4 PARTITION OF body FOR VALUES IN (4);
CREATE TABLE body_5 PARTITION OF body FOR VALUES IN (5);

-- What a full disk is given up first: to empty a part takes some pages, too. (And this one, with a
-- type that could lie elsewhere, would.)
CREATE TABLE spare (n BIGINT NOT NULL);
INSERT INTO spare SELECT generate_series(1, 50000);

CREATE TABLE receipt (
    key TEXT COLLATE "C" PRIMARY KEY,
    digest TEXT NOT NULL,  -- of what was handed in
    answer TEXT NOT NULL,  -- what was said to it, JSON
    time DOUBLE PRECISION NOT NULL
);
CREATE INDEX receipt_time ON receipt (time);

-- Rows come and go by the thousand: they are tidied by their number, and at once.
ALTER TABLE pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0);
ALTER TABLE message SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0);
-- Mail is compressed rarely enough to pay for trying.
ALTER TABLE body ALTER COLUMN octets SET STORAGE EXTERNAL;
ALTER TABLE body_0 ALTER COLUMN octets SET STORAGE EXTERNAL;
ALTER TABLE body_1 ALTER COLUMN octets SET STORAGE EXTERNAL;
ALTER TABLE body_2 ALTER COLUMN octets SET STORAGE EXTERNAL;
ALTER TABLE body_3 ALTER COLUMN octets SET STORAGE EXTERNAL;
ALTER TABLE body_4 ALTER COLUMN octets SET STORAGE EXTERNAL;
ALTER TABLE body_5 ALTER COLUMN octets SET STORAGE EXTERNAL;

-- -- The servers of the cluster (`ulak.cluster`) -----------------------------------------------

-- One row for each server that runs, written by it every few seconds.
CREATE TABLE member (
    name TEXT COLLATE "C" PRIMARY KEY,
    instance TEXT NOT NULL,  -- drawn at each start: tells two servers of one name apart
    host TEXT NOT NULL,
    data TEXT NOT NULL,  -- its data directory
    version TEXT NOT NULL,  -- of Ulak
    tables INTEGER NOT NULL,  -- the version of the tables that it was made for
    started TIMESTAMPTZ NOT NULL,
    workers INTEGER NOT NULL,
    duty TEXT NOT NULL,  -- serving, draining or drained
    since TIMESTAMPTZ NOT NULL,  -- that it is on this duty
    sessions INTEGER NOT NULL,  -- with clients
    messages INTEGER NOT NULL,  -- that it has leased
    attempts INTEGER NOT NULL,  -- that are under way
    spilled BIGINT NOT NULL DEFAULT 0,  -- messages that lie on its own disk (`ulak.queue.spilling`)
    spilled_octets BIGINT NOT NULL DEFAULT 0,  -- of their bodies
    epochs BIGINT[] NOT NULL,  -- of its workers, in `node`
    seen TIMESTAMPTZ NOT NULL,
    lag DOUBLE PRECISION NOT NULL,  -- seconds that the last beat but one took
    rival TIMESTAMPTZ,  -- when another server of this name was there
    wanted TEXT NOT NULL DEFAULT '',  -- what an operator has asked elsewhere: drain or resume
    wanted_by TEXT NOT NULL DEFAULT ''  -- who that is, JSON
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- -- Whom nothing is sent to: all servers have a copy of it (`ulak.suppression.copying`) --------

CREATE TABLE suppression_list (
    one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
    name UUID NOT NULL DEFAULT gen_random_uuid(),
    seq BIGINT NOT NULL DEFAULT 0,  -- of the last change
    forgotten BIGINT NOT NULL DEFAULT 0  -- up to which rows of who was taken off may be missing
);
INSERT INTO suppression_list DEFAULT VALUES;

CREATE TABLE suppressed (
    address TEXT COLLATE "C" NOT NULL,
    whose TEXT COLLATE "C" NOT NULL,
    cause TEXT NOT NULL,
    reply TEXT NOT NULL,
    message TEXT NOT NULL,
    since DOUBLE PRECISION NOT NULL,
    until DOUBLE PRECISION NOT NULL,
    seq BIGINT NOT NULL,  -- of its last change
    gone TIMESTAMPTZ,  -- when it was taken off; NULL: it stands there
    PRIMARY KEY (address, whose)
);
CREATE INDEX suppressed_seq ON suppressed (seq);
CREATE INDEX suppressed_gone ON suppressed (gone) WHERE gone IS NOT NULL;
CREATE INDEX suppressed_until ON suppressed (until) WHERE until > 0;
-- -- What its servers ask each other (`ulak.questions`) -----------------------------------------

-- Questions of one node to all others, and what they answer. Nobody misses them after a crash.
CREATE UNLOGGED TABLE question (
    id TEXT COLLATE "C" PRIMARY KEY,
    asker TEXT NOT NULL,
    verb TEXT NOT NULL,
    arguments TEXT NOT NULL,  -- JSON
    asked TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
CREATE UNLOGGED TABLE answer (
    question TEXT COLLATE "C" NOT NULL REFERENCES question ON DELETE CASCADE,
    member TEXT NOT NULL,
    part INTEGER NOT NULL,
    last BOOLEAN NOT NULL,
    text TEXT NOT NULL,  -- all parts together are JSON
    PRIMARY KEY (question, member, part)
);
-- What is known of clients (`ulak.clients`): triplets of greylisting by a hash of network, sender and
-- recipient, and what networks have brought, as it stood at `at`. Nothing of the queue needs them.
CREATE TABLE triplet (
    key BYTEA PRIMARY KEY,
    first DOUBLE PRECISION NOT NULL,
    passed DOUBLE PRECISION NOT NULL,  -- 0: not yet
    until DOUBLE PRECISION NOT NULL
);
CREATE INDEX triplet_until ON triplet (until);
CREATE TABLE client_network (
    network TEXT COLLATE "C" PRIMARY KEY,
    accepted DOUBLE PRECISION NOT NULL,
    unwanted DOUBLE PRECISION NOT NULL,
    unknown DOUBLE PRECISION NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
ALTER TABLE client_network SET (fillfactor = 70);  -- the same rows change again and again
-- -- Limits that hold for all nodes (`ulak.delivery.postgres`) -----------------------------------

-- Who shares the limits of sites, and into how many parts each divides them: it has one of these.
CREATE SEQUENCE sharer_number;
CREATE TABLE sharer (
    number BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    divides INTEGER NOT NULL,  -- 0: it has no part yet
    until TIMESTAMPTZ NOT NULL  -- it is believed to live
) WITH (fillfactor = 50);

-- What each has, and wants, beyond its parts. Times are seconds since the epoch, all of the
-- database's clock.
CREATE TABLE site_claim (
    site TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL REFERENCES sharer ON DELETE CASCADE,
    slots INTEGER NOT NULL,
    wanted INTEGER NOT NULL,
    most INTEGER NOT NULL,  -- the limit
    since DOUBLE PRECISION NOT NULL,  -- it has waited, or has had its turn
    last DOUBLE PRECISION NOT NULL,  -- it has asked
    PRIMARY KEY (site, source, number)
);
CREATE INDEX site_claim_number ON site_claim (number);

-- What was learned of sites.
CREATE TABLE site_terms (
    site TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    changed DOUBLE PRECISION NOT NULL,
    attempts DOUBLE PRECISION NOT NULL,  -- at a time
    interval DOUBLE PRECISION NOT NULL,  -- seconds between two, from all together; 0: no limit
    learned DOUBLE PRECISION NOT NULL,  -- when that was learned
    suspension TEXT,  -- JSON; NULL: it is sent to
    writer TEXT NOT NULL,
    noted DOUBLE PRECISION NOT NULL,  -- when it came here
    PRIMARY KEY (site, source)
);
CREATE INDEX site_terms_noted ON site_terms (noted);

-- -- What is on its way to another store or from one (`ulak.queue.moving`) ---------------------

ALTER TABLE store ADD COLUMN identity TEXT NOT NULL DEFAULT gen_random_uuid()::TEXT;

-- Messages that another store may have still. Their recipients have the token 1, which is of no node.
CREATE TABLE arriving (
    seq BIGINT PRIMARY KEY,
    origin TEXT NOT NULL  -- the identity of the store that they come from
);

-- Messages that are gone from here since they are there: until that is known there.
CREATE TABLE departed (
    target TEXT NOT NULL,  -- the identity of the store that they went to
    id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (target, id)
);
-- Failed logins (`ulak.accounts.attempts`). Times are seconds since the epoch, 0 for never.
CREATE TABLE login_record (
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    count DOUBLE PRECISION NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    bans INTEGER NOT NULL,
    until DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE INDEX login_record_at ON login_record (kind, at);
CREATE INDEX login_record_until ON login_record (until) WHERE until > 0;

-- What accounts have sent in a full hour by each server (`ulak.accounts.elsewhere`).
CREATE TABLE account_sent (
    account TEXT COLLATE "C" NOT NULL,
    hour BIGINT NOT NULL,  -- hours since the epoch
    server TEXT NOT NULL,
    messages BIGINT NOT NULL,
    recipients BIGINT NOT NULL,
    noted DOUBLE PRECISION NOT NULL,  -- when it was said, by the database's clock
    PRIMARY KEY (account, hour, server)
);
CREATE INDEX account_sent_noted ON account_sent (noted);

-- What sources and tenants have sent (`ulak.delivery.source`), in spans of seconds since the epoch.
CREATE TABLE source_sent (
    what TEXT COLLATE "C" NOT NULL,
    place TEXT COLLATE "C" NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (what, place, starts, ends)
);

-- Answers of DNS that are costly to ask for (`ulak.dns.shelf`). None of it is missed after a crash.
CREATE UNLOGGED TABLE dns_answer (
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    records TEXT NOT NULL,  -- JSON: octets as hexadecimal digits, texts as arrays of one
    canonical TEXT NOT NULL,
    until DOUBLE PRECISION NOT NULL,  -- seconds since the epoch
    PRIMARY KEY (name, kind)
);
CREATE INDEX dns_answer_until ON dns_answer (until);
-- Large bodies in a bucket (`ulak.queue.postgres.bucket`): the object of each, and the SHA-256 of its
-- octets. Such a message has the slot -1. A row stays when its message has gone, until the object
-- has gone, too; `going` is since when a node is at that.
CREATE TABLE object (
    seq BIGINT PRIMARY KEY,
    key TEXT COLLATE "C" NOT NULL CONSTRAINT object_key UNIQUE,
    digest BYTEA NOT NULL,
    going TIMESTAMPTZ
);

-- How far the bucket was looked through for objects that no row names, and when to go on.
CREATE TABLE sweep (
    one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
    place TEXT NOT NULL DEFAULT '',
    due TIMESTAMPTZ NOT NULL DEFAULT now()
);
INSERT INTO sweep DEFAULT VALUES;
