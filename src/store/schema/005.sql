-- Words without prefix tables, which took more time and room than the words themselves; and beside
-- them what words begin with, once for each notice. Both are filled again from the mails kept.

DROP TABLE words;

CREATE VIRTUAL TABLE words USING fts5 (
    sender, subject, body, files,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);

CREATE VIRTUAL TABLE beginnings USING fts5 (
    sender, subject, body, files,
    content = '', contentless_delete = 1, detail = column,
    tokenize = 'unicode61 remove_diacritics 2'
);

-- Fewer merges: many notices come at once, at the first check, and few later.
INSERT INTO words (words, rank) VALUES ('automerge', 8);
INSERT INTO beginnings (beginnings, rank) VALUES ('automerge', 8);
