-- The third version of the store: published pipelines, and the requests to run them. Released versions never change: a change is a new file, listed in migrations.rs.

-- Numbers are dense, from 1, and a row is never changed or deleted. One digest is one version.
CREATE TABLE publications (
    pipeline  TEXT NOT NULL,
    version   INTEGER NOT NULL,
    digest    TEXT NOT NULL,
    record    TEXT NOT NULL
              CHECK (record ->> '$.pipeline' = pipeline AND record ->> '$.version' = version AND record ->> '$.digest' = digest),
    PRIMARY KEY (pipeline, version),
    UNIQUE (pipeline, digest)
) STRICT;

-- A request is its record, as JSON. What is searched for is computed from it, so that it cannot disagree.
CREATE TABLE requests (
    seq       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    pipeline  TEXT NOT NULL CHECK (record ->> '$.pipeline.name' = pipeline),
    record    TEXT NOT NULL CHECK (record ->> '$.id' = id),
    state     TEXT NOT NULL GENERATED ALWAYS AS (record ->> '$.state') VIRTUAL,
    key       TEXT GENERATED ALWAYS AS (record ->> '$."idempotency-key"') VIRTUAL
) STRICT;
CREATE INDEX requests_open ON requests (seq) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX requests_by_key ON requests (pipeline, key) WHERE key IS NOT NULL;

-- What a trigger saw last: the point in time up to which it was answered, the content of its files. A row may be deleted: the trigger then begins anew.
CREATE TABLE trigger_states (
    pipeline  TEXT NOT NULL,
    name      TEXT NOT NULL,
    state     TEXT NOT NULL,
    PRIMARY KEY (pipeline, name)
) STRICT;

-- REPLACE deletes without a DELETE trigger, hence the triggers on INSERT.
CREATE TRIGGER publications_are_immutable BEFORE UPDATE ON publications
BEGIN SELECT RAISE(ABORT, 'a published version never changes'); END;
CREATE TRIGGER publications_are_permanent BEFORE DELETE ON publications
BEGIN SELECT RAISE(ABORT, 'a published version is never deleted'); END;
CREATE TRIGGER publications_are_dense BEFORE INSERT ON publications
WHEN NEW.version <> (SELECT coalesce(max(version), 0) + 1 FROM publications WHERE pipeline = NEW.pipeline)
BEGIN SELECT RAISE(ABORT, 'a published version takes the next number'); END;
CREATE TRIGGER publications_differ BEFORE INSERT ON publications
WHEN EXISTS (SELECT 1 FROM publications WHERE pipeline = NEW.pipeline AND digest = NEW.digest)
BEGIN SELECT RAISE(ABORT, 'the same bundle is the same version'); END;
CREATE TRIGGER requests_end_once BEFORE UPDATE ON requests
WHEN OLD.state IN ('finished', 'failed', 'cancelled') OR NEW.id <> OLD.id OR NEW.seq <> OLD.seq
BEGIN SELECT RAISE(ABORT, 'a request that is over never changes'); END;
CREATE TRIGGER requests_are_permanent BEFORE DELETE ON requests
BEGIN SELECT RAISE(ABORT, 'a request is never deleted'); END;
CREATE TRIGGER requests_are_append_only BEFORE INSERT ON requests
WHEN EXISTS (SELECT 1 FROM requests WHERE seq = NEW.seq OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a request that is over never changes'); END;
