-- Every notice of a damaged cache, marked or not, keeps its id: the screen goes on by it.

ALTER TABLE salvaged ADD COLUMN id INTEGER;

CREATE INDEX salvaged_by_id ON salvaged (id);
