-- Unique-ids that another program had fetched already: what they stand for is not new to this person.

CREATE TABLE elsewhere (
    unique_id BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
