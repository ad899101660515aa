-- Letters are searched for without accents in every script; the index is filled again bit by bit. Lists are known by
-- their identifiers in small letters.

UPDATE notice SET list_id = lower(list_id);

INSERT INTO words (words) VALUES ('delete-all');
INSERT INTO beginnings (beginnings) VALUES ('delete-all');
INSERT OR IGNORE INTO unindexed SELECT id FROM notice;
