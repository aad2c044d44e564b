-- The first version of the store. Released versions never change: a change is a new file, listed in migrations.rs.

-- A run is its record, as JSON. What is searched for is computed from it, so that it cannot disagree.
CREATE TABLE runs (
    seq      INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    record   TEXT NOT NULL CHECK (record ->> '$.id' = id),
    outcome  TEXT NOT NULL GENERATED ALWAYS AS (record ->> '$.outcome') VIRTUAL
) STRICT;
CREATE INDEX runs_unfinished ON runs (seq) WHERE outcome = 'running';

-- What a stage made of its inputs. Everything here can be made again: rows may be deleted at any time.
CREATE TABLE cache (
    key    BLOB PRIMARY KEY CHECK (length(key) = 32),
    entry  TEXT NOT NULL
) STRICT;

-- The digests of files outside the store, by what the file system says of them. Rows may be deleted at any time.
CREATE TABLE file_digests (
    path    BLOB PRIMARY KEY,
    stamp   TEXT NOT NULL,
    digest  BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

-- The registry. Numbers are dense, from 1, and a row is never changed or deleted.
CREATE TABLE versions (
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    run_id   TEXT NOT NULL CHECK (record ->> '$.lineage."run-id"' = run_id),
    record   TEXT NOT NULL CHECK (record ->> '$.name' = name AND record ->> '$.version' = version),
    PRIMARY KEY (name, version),
    UNIQUE (name, run_id)
) STRICT;

-- The history of all aliases. The newest row of a name and alias is where the alias points.
CREATE TABLE alias_log (
    seq      INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    alias    TEXT NOT NULL,
    version  INTEGER NOT NULL,
    at       TEXT NOT NULL,
    by       TEXT NOT NULL,
    reason   TEXT NOT NULL,
    run_id   TEXT,
    FOREIGN KEY (name, version) REFERENCES versions (name, version)
) STRICT;
CREATE INDEX alias_log_by_alias ON alias_log (name, alias, seq);

-- The triggers hold against whoever opens the file with another program, too. REPLACE deletes without a DELETE trigger,
-- hence the triggers on INSERT.
CREATE TRIGGER versions_are_immutable BEFORE UPDATE ON versions
BEGIN SELECT RAISE(ABORT, 'a registered version never changes'); END;
CREATE TRIGGER versions_are_permanent BEFORE DELETE ON versions
BEGIN SELECT RAISE(ABORT, 'a registered version is never deleted'); END;
CREATE TRIGGER versions_are_dense BEFORE INSERT ON versions
WHEN NEW.version <> (SELECT coalesce(max(version), 0) + 1 FROM versions WHERE name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'a registered version takes the next number'); END;
CREATE TRIGGER versions_are_one_per_run BEFORE INSERT ON versions
WHEN EXISTS (SELECT 1 FROM versions WHERE name = NEW.name AND run_id = NEW.run_id)
BEGIN SELECT RAISE(ABORT, 'a run registers one version of a model'); END;
CREATE TRIGGER alias_log_is_immutable BEFORE UPDATE ON alias_log
BEGIN SELECT RAISE(ABORT, 'the history of an alias never changes'); END;
CREATE TRIGGER alias_log_is_permanent BEFORE DELETE ON alias_log
BEGIN SELECT RAISE(ABORT, 'the history of an alias is never deleted'); END;
CREATE TRIGGER alias_log_is_append_only BEFORE INSERT ON alias_log
WHEN EXISTS (SELECT 1 FROM alias_log WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'the history of an alias never changes'); END;
