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
