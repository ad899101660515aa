-- Notices that may come back under another unique-id are found without looking at their twins; and
-- what ended the connection is remembered apart from what was merely refused.

CREATE INDEX notice_withdrawn_by_digest ON notice (headers_digest, body_digest)
    WHERE withdrawn IS NOT NULL;

ALTER TABLE trouble ADD COLUMN broke INTEGER NOT NULL DEFAULT 0;   -- times the connection ended in it
ALTER TABLE trouble ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;   -- seconds since 1970, the last time
