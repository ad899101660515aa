-- Messages larger than LIST says, and marks saved from a damaged cache.

CREATE TABLE oversized (
    unique_id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE salvaged (
    headers_digest BLOB    NOT NULL,
    body_digest    BLOB    NOT NULL,
    read           INTEGER NOT NULL,
    starred        INTEGER NOT NULL,
    muted          INTEGER NOT NULL,
    PRIMARY KEY (headers_digest, body_digest)
) STRICT, WITHOUT ROWID;
