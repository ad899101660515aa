-- Marks that are carried between one person's machines: of each notice and mark what was said last, by
-- whom, and whether it stands in this machine's journal yet. A notice need not be here.

CREATE TABLE carried (
    headers_digest BLOB    NOT NULL,
    body_digest    BLOB    NOT NULL,
    mark           INTEGER NOT NULL,            -- 0: read, 1: starred, 2: muted
    value          INTEGER NOT NULL,
    stamp          INTEGER NOT NULL,            -- milliseconds since 1970 times 4096, and a count
    machine        BLOB    NOT NULL,
    written        INTEGER NOT NULL,
    PRIMARY KEY (headers_digest, body_digest, mark)
) STRICT, WITHOUT ROWID;

CREATE INDEX carried_unwritten ON carried (stamp) WHERE NOT written;

-- Journals as they were when they were last read.
CREATE TABLE journal (
    name     TEXT PRIMARY KEY,
    octets   INTEGER NOT NULL,
    modified INTEGER NOT NULL                   -- nanoseconds since 1970
) STRICT, WITHOUT ROWID;

-- When the notice was sent that this one replaces (seconds since 1970): it had the same Message-ID and
-- another text, and had left the server.
ALTER TABLE notice ADD COLUMN replaces INTEGER;

-- Notices whose words are not in the index yet: many that came at once. Whoever searches puts them there.
CREATE TABLE unindexed (
    id INTEGER PRIMARY KEY
) STRICT;
