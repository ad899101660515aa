-- A cache as schema 10 left it, with one notice that is starred.

CREATE TABLE notice (
    id             INTEGER PRIMARY KEY,
    handle         TEXT    NOT NULL UNIQUE,
    date           INTEGER NOT NULL,            -- seconds since 1970
    date_guessed   INTEGER NOT NULL,
    arrived        INTEGER NOT NULL,            -- seconds since 1970
    from_name      TEXT    NOT NULL,
    from_address   TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    preview        TEXT    NOT NULL,
    size           INTEGER NOT NULL,            -- octets at the server
    important      INTEGER NOT NULL,
    files          INTEGER NOT NULL,
    has_link       INTEGER NOT NULL,
    thread_key     INTEGER NOT NULL,
    parents        BLOB    NOT NULL,            -- 8 octets each, little-endian, the nearest last
    headers_digest BLOB    NOT NULL,
    body_digest    BLOB    NOT NULL,
    complete       INTEGER NOT NULL,            -- 0: headers only, the rest was too large or refused
    withdrawn      INTEGER,                     -- seconds since 1970, when first missed
    read           INTEGER NOT NULL,
    starred        INTEGER NOT NULL,
    muted          INTEGER NOT NULL,
    changed        INTEGER NOT NULL             -- the change in which this row last changed
) STRICT;

CREATE INDEX notice_by_date ON notice (date DESC, id DESC);
CREATE INDEX notice_by_digest ON notice (headers_digest, body_digest);
CREATE INDEX notice_by_key ON notice (thread_key);
CREATE INDEX notice_by_change ON notice (changed);
CREATE INDEX notice_unread ON notice (date) WHERE read = 0;

CREATE TABLE mail (
    id    INTEGER PRIMARY KEY REFERENCES notice (id),
    bytes BLOB NOT NULL
) STRICT;

-- Seen marks outlive notices: a row here is what keeps a message from being fetched again.
CREATE TABLE seen (
    unique_id BLOB    NOT NULL,
    notice    INTEGER NOT NULL,
    octets    INTEGER NOT NULL,                 -- as LIST said
    copies    INTEGER NOT NULL DEFAULT 1,       -- how many listed messages this accounts for
    PRIMARY KEY (unique_id, notice)
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_by_notice ON seen (notice);

CREATE TABLE trouble (
    unique_id BLOB PRIMARY KEY,
    attempts  INTEGER NOT NULL,
    words     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE visit (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,                 -- milliseconds since 1970
    took      INTEGER NOT NULL,                 -- milliseconds
    outcome   TEXT    NOT NULL,
    words     TEXT    NOT NULL,
    on_server INTEGER,
    new       INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    octets    INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    notes     TEXT    NOT NULL,                 -- a line each
    dialogue  TEXT    NOT NULL
) STRICT;

CREATE TABLE state (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO state VALUES ('change', '0');

CREATE TABLE oversized (
    unique_id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE salvaged (
    headers_digest BLOB    NOT NULL,
    body_digest    BLOB    NOT NULL,
    read           INTEGER NOT NULL,
    starred        INTEGER NOT NULL,
    muted          INTEGER NOT NULL, id INTEGER,
    PRIMARY KEY (headers_digest, body_digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_unusual ON notice (id, withdrawn, complete)
    WHERE withdrawn IS NOT NULL OR complete = 0;
CREATE INDEX notice_starred ON notice (id) WHERE starred = 1;

CREATE INDEX salvaged_by_id ON salvaged (id);

CREATE INDEX notice_withdrawn_by_digest ON notice (headers_digest, body_digest)
    WHERE withdrawn IS NOT NULL;

ALTER TABLE trouble ADD COLUMN broke INTEGER NOT NULL DEFAULT 0;   -- times the connection ended in it
ALTER TABLE trouble ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;   -- seconds since 1970, the last time

CREATE TABLE elsewhere (
    unique_id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

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

ALTER TABLE notice ADD COLUMN list TEXT NOT NULL DEFAULT '';        -- its name
ALTER TABLE notice ADD COLUMN expires INTEGER;                      -- seconds since 1970
ALTER TABLE notice ADD COLUMN answer_by INTEGER;                    -- seconds since 1970
ALTER TABLE notice ADD COLUMN topic INTEGER NOT NULL DEFAULT 0;     -- of its sender and subject, a digest
ALTER TABLE notice ADD COLUMN corrects INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notice ADD COLUMN supersedes INTEGER;                   -- the thread_key that it names
ALTER TABLE notice ADD COLUMN replaced_by INTEGER;                  -- the id of the notice in its place

CREATE INDEX notice_by_topic ON notice (topic, date, id);
CREATE INDEX notice_replaced ON notice (replaced_by) WHERE replaced_by IS NOT NULL;
CREATE INDEX notice_superseding ON notice (supersedes) WHERE supersedes IS NOT NULL;

ALTER TABLE notice ADD COLUMN list_id TEXT NOT NULL DEFAULT '';

CREATE VIRTUAL TABLE words USING fts5 (
    sender, recipient, subject, body, files,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);

CREATE VIRTUAL TABLE beginnings USING fts5 (
    sender, recipient, subject, body, files,
    content = '', contentless_delete = 1, detail = column,
    tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO notice VALUES (1, 'k3f0aaaaaa', 1764000000, 0, 1764000100, 'Priya Natarajan',
    'priya@team.example', 'Storage maintenance', 'The window opens at 22:00.', 120, 0, 0, 0, 7, x'',
    x'00112233445566778899aabbccddeeff', x'ffeeddccbbaa99887766554433221100', 1, NULL, 0, 1, 0, 1, NULL,
    'Operations', 1796083200, NULL, 42, 0, NULL, NULL, 'Ops.team.example');
INSERT INTO mail VALUES (1, CAST('Subject: Storage maintenance' || char(13, 10) || 'Expires: Tue, 01 Dec 2026 00:00:00 +0000' ||
    char(13, 10) || 'List-Id: Operations <ops.team.example>' || char(13, 10, 13, 10) || 'The window opens at 22:00.' AS BLOB));
INSERT INTO seen VALUES (CAST('a' AS BLOB), 1, 120, 1);
INSERT INTO words (rowid, sender, recipient, subject, body, files)
    VALUES (1, 'Priya Natarajan', '', 'Storage maintenance', 'The window opens', '');
INSERT INTO beginnings (rowid, sender, recipient, subject, body, files) VALUES (1, 'p n pr na', '', 's m st ma', 't w th wi', '');
INSERT INTO words (words, rank) VALUES ('automerge', 8);
INSERT INTO beginnings (beginnings, rank) VALUES ('automerge', 8);
UPDATE state SET value = '1' WHERE name = 'change';
PRAGMA application_id = 1953064046;
PRAGMA user_version = 10;
