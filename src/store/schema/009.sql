-- What makes a mail a notice: the list that it came through, how long it holds, by when an answer is wanted,
-- and which notice has taken its place. The recipients are in the full-text index too, which is filled
-- again bit by bit.

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

DROP TABLE words;
DROP TABLE beginnings;

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

INSERT INTO words (words, rank) VALUES ('automerge', 8);
INSERT INTO beginnings (beginnings, rank) VALUES ('automerge', 8);
INSERT OR IGNORE INTO unindexed SELECT id FROM notice;
