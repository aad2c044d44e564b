-- The fourth version of the store: what a server keeps of its own. Released versions never change: a change is a new file, listed in migrations.rs.

-- Runs of several stores are listed together, newest first: by their start, and by their ids where two began at once.
ALTER TABLE runs ADD COLUMN started TEXT GENERATED ALWAYS AS (record ->> '$."started-at"') VIRTUAL;
CREATE INDEX runs_by_start ON runs (started, id);

-- A token's secret is nowhere; this is its SHA-256.
CREATE TABLE tokens (
    id      TEXT NOT NULL PRIMARY KEY,
    hash    BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    record  TEXT NOT NULL CHECK (record ->> '$.id' = id)
) STRICT;

-- Each entry names the digest of the one before. Rows are never changed or deleted.
CREATE TABLE audit (
    sequence  INTEGER PRIMARY KEY,
    entry     TEXT NOT NULL CHECK (entry ->> '$.sequence' = sequence)
) STRICT;

-- REPLACE deletes without a DELETE trigger, hence the triggers on INSERT.
CREATE TRIGGER audit_is_immutable BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log never changes'); END;
CREATE TRIGGER audit_is_permanent BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never shortened'); END;
CREATE TRIGGER audit_is_dense BEFORE INSERT ON audit
WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'an entry of the audit log takes the next number'); END;
