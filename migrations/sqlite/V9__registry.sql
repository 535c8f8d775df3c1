-- The registry: charities, their projects, and what these told the public. Search goes by words that the program made, plain letters and
-- digits, so that both engines find the same.

CREATE TABLE charities (
    seq             INTEGER PRIMARY KEY,   -- its row in charity_search
    registration    TEXT NOT NULL UNIQUE,  -- its number in the public register
    name            TEXT NOT NULL,
    body            TEXT NOT NULL,         -- JSON: qualification, platform and its address
    name_words      TEXT NOT NULL,
    number_words    TEXT NOT NULL,
    version         INTEGER NOT NULL CHECK (version > 0)
) STRICT;

CREATE TABLE projects (
    seq             INTEGER PRIMARY KEY,   -- its row in project_search
    id              TEXT NOT NULL UNIQUE,
    charity         TEXT NOT NULL REFERENCES charities (registration),
    title           TEXT NOT NULL,
    place           TEXT NOT NULL,
    disclose_days   INTEGER NOT NULL CHECK (disclose_days BETWEEN 1 AND 366),
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER CHECK (ended_at > started_at),
    reported_at     INTEGER,               -- of the newest report
    body            TEXT NOT NULL,         -- JSON: summary, target, record number, where to give
    title_words     TEXT NOT NULL,
    words           TEXT NOT NULL,         -- of place and id
    version         INTEGER NOT NULL CHECK (version > 0),
    -- The disclosure clock, as Project::due_at has it; a test compares the two.
    due_at          INTEGER GENERATED ALWAYS AS (
        CASE WHEN ended_at IS NOT NULL AND reported_at >= ended_at THEN NULL
             WHEN max(started_at, coalesce(reported_at, started_at)) + disclose_days * 86400000 > ended_at
                  THEN ended_at + disclose_days * 86400000
             ELSE max(started_at, coalesce(reported_at, started_at)) + disclose_days * 86400000 END) STORED
) STRICT;
CREATE INDEX projects_by_charity ON projects (charity, id);
CREATE INDEX projects_by_due ON projects (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE reports (
    id              BLOB PRIMARY KEY CHECK (length(id) = 16),
    project         TEXT NOT NULL REFERENCES projects (id),
    at              INTEGER NOT NULL,
    body            TEXT NOT NULL          -- JSON: title, text, hash of the document
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_of_projects ON reports (project, at, id);
CREATE TRIGGER reports_stay BEFORE DELETE ON reports BEGIN SELECT raise(ABORT, 'a report is final'); END;
CREATE TRIGGER reports_are_final BEFORE UPDATE ON reports BEGIN SELECT raise(ABORT, 'a report is final'); END;
CREATE TRIGGER reports_move_the_clock AFTER INSERT ON reports BEGIN
    UPDATE projects SET reported_at = max(NEW.at, coalesce(reported_at, NEW.at)) WHERE id = NEW.project;
END;

-- `x` is no word of anybody's: phrases do not reach over it.
CREATE VIRTUAL TABLE charity_search USING fts5 (title, rest, content = '', contentless_delete = 1, tokenize = 'ascii');
CREATE VIRTUAL TABLE project_search USING fts5 (title, rest, content = '', contentless_delete = 1, tokenize = 'ascii');

CREATE TRIGGER charities_to_search AFTER INSERT ON charities BEGIN
    INSERT INTO charity_search (rowid, title, rest) VALUES (NEW.seq, NEW.name_words, NEW.number_words);
END;
CREATE TRIGGER charities_in_search AFTER UPDATE OF name_words ON charities WHEN NEW.name_words <> OLD.name_words BEGIN
    DELETE FROM charity_search WHERE rowid = NEW.seq;
    INSERT INTO charity_search (rowid, title, rest) VALUES (NEW.seq, NEW.name_words, NEW.number_words);
    DELETE FROM project_search WHERE rowid IN (SELECT seq FROM projects WHERE charity = NEW.registration);
    INSERT INTO project_search (rowid, title, rest)
        SELECT seq, title_words, words || ' x ' || NEW.name_words || ' x ' || NEW.number_words FROM projects WHERE charity = NEW.registration;
END;
CREATE TRIGGER projects_to_search AFTER INSERT ON projects BEGIN
    INSERT INTO project_search (rowid, title, rest)
        SELECT NEW.seq, NEW.title_words, NEW.words || ' x ' || name_words || ' x ' || number_words FROM charities WHERE registration = NEW.charity;
END;
CREATE TRIGGER projects_in_search AFTER UPDATE OF title_words, words ON projects
WHEN NEW.title_words <> OLD.title_words OR NEW.words <> OLD.words BEGIN
    DELETE FROM project_search WHERE rowid = NEW.seq;
    INSERT INTO project_search (rowid, title, rest)
        SELECT NEW.seq, NEW.title_words, NEW.words || ' x ' || name_words || ' x ' || number_words FROM charities WHERE registration = NEW.charity;
END;
