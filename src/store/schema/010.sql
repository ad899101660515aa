-- Lists are searched by their identifiers too; texts in mails within mails are in the index, which is filled
-- again bit by bit.

ALTER TABLE notice ADD COLUMN list_id TEXT NOT NULL DEFAULT '';

INSERT INTO words (words) VALUES ('delete-all');
INSERT INTO beginnings (beginnings) VALUES ('delete-all');
INSERT OR IGNORE INTO unindexed SELECT id FROM notice;
