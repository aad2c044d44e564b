-- The second version of the store: releases, approvals and what runs where. Released versions never change: a change is a new file, listed in migrations.rs.

-- A release is its record, as JSON. `revision` grows with each update, so that nobody overwrites what they have not seen.
CREATE TABLE releases (
    seq       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    record    TEXT NOT NULL CHECK (record ->> '$.id' = id),
    revision  INTEGER NOT NULL,
    outcome   TEXT NOT NULL GENERATED ALWAYS AS (record ->> '$.outcome') VIRTUAL
) STRICT;
CREATE INDEX releases_unfinished ON releases (seq) WHERE outcome IN ('running', 'awaiting-approval', 'error', 'cancelled');

-- The signed approvals of a release, as they came.
CREATE TABLE approvals (
    seq       INTEGER PRIMARY KEY,
    release   TEXT NOT NULL REFERENCES releases (id),
    approval  TEXT NOT NULL CHECK (approval ->> '$.ballot.statement.release' = release),
    UNIQUE (release, approval)
) STRICT;

-- What ran in which environment. The newest rows say what runs there now.
CREATE TABLE deployments (
    seq          INTEGER PRIMARY KEY,
    environment  TEXT NOT NULL CHECK (entry ->> '$.environment' = environment),
    entry        TEXT NOT NULL
) STRICT;
CREATE INDEX deployments_by_environment ON deployments (environment, seq);

-- REPLACE deletes without a DELETE trigger, hence the triggers on INSERT.
CREATE TRIGGER releases_keep_their_identity BEFORE UPDATE ON releases
WHEN NEW.seq <> OLD.seq OR NEW.id <> OLD.id OR NEW.revision <> OLD.revision + 1
BEGIN SELECT RAISE(ABORT, 'a release changes one revision at a time'); END;
CREATE TRIGGER releases_are_permanent BEFORE DELETE ON releases
BEGIN SELECT RAISE(ABORT, 'a release is never deleted'); END;
CREATE TRIGGER approvals_are_immutable BEFORE UPDATE ON approvals
BEGIN SELECT RAISE(ABORT, 'an approval never changes'); END;
CREATE TRIGGER approvals_are_permanent BEFORE DELETE ON approvals
BEGIN SELECT RAISE(ABORT, 'an approval is never deleted'); END;
CREATE TRIGGER approvals_are_append_only BEFORE INSERT ON approvals
WHEN EXISTS (SELECT 1 FROM approvals WHERE seq = NEW.seq OR (release = NEW.release AND approval = NEW.approval))
BEGIN SELECT RAISE(ABORT, 'an approval never changes'); END;
CREATE TRIGGER deployments_are_immutable BEFORE UPDATE ON deployments
BEGIN SELECT RAISE(ABORT, 'the history of an environment never changes'); END;
CREATE TRIGGER deployments_are_permanent BEFORE DELETE ON deployments
BEGIN SELECT RAISE(ABORT, 'the history of an environment is never deleted'); END;
CREATE TRIGGER deployments_are_append_only BEFORE INSERT ON deployments
WHEN EXISTS (SELECT 1 FROM deployments WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'the history of an environment never changes'); END;
