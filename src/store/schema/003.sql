-- The few notices that are not as most are, so that a check need not look at every row.

CREATE INDEX notice_unusual ON notice (id, withdrawn, complete)
    WHERE withdrawn IS NOT NULL OR complete = 0;
CREATE INDEX notice_starred ON notice (id) WHERE starred = 1;
