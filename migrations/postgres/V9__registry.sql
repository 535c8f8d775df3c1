-- The registry: charities, their projects, and what these told the public. Search goes by words that the program made, plain letters and
-- digits, so that both engines find the same. `x` is no word of anybody's: phrases do not reach over it.

CREATE TABLE charities (
    registration    text COLLATE "C" PRIMARY KEY,   -- its number in the public register
    name            text NOT NULL,
    body            text NOT NULL,         -- JSON: qualification, platform and its address
    name_words      text NOT NULL,
    number_words    text NOT NULL,
    version         bigint NOT NULL CHECK (version > 0),
    search          tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', name_words), 'A') || to_tsvector('simple', 'x ' || number_words)) STORED
);
CREATE INDEX charities_by_words ON charities USING gin (search);

CREATE TABLE projects (
    id              text COLLATE "C" PRIMARY KEY,
    charity         text COLLATE "C" NOT NULL REFERENCES charities (registration),
    title           text NOT NULL,
    place           text NOT NULL,
    disclose_days   bigint NOT NULL CHECK (disclose_days BETWEEN 1 AND 366),
    started_at      bigint NOT NULL,
    ended_at        bigint CHECK (ended_at > started_at),
    reported_at     bigint,                -- of the newest report
    body            text NOT NULL,         -- JSON: summary, target, record number, where to give
    title_words     text NOT NULL,
    words           text NOT NULL,         -- of place and id
    version         bigint NOT NULL CHECK (version > 0),
    search          tsvector NOT NULL,
    -- The disclosure clock, as Project::due_at has it; a test compares the two.
    due_at          bigint GENERATED ALWAYS AS (
        CASE WHEN ended_at IS NOT NULL AND reported_at >= ended_at THEN NULL
             WHEN greatest(started_at, coalesce(reported_at, started_at)) + disclose_days * 86400000 > ended_at
                  THEN ended_at + disclose_days * 86400000
             ELSE greatest(started_at, coalesce(reported_at, started_at)) + disclose_days * 86400000 END) STORED
);
CREATE INDEX projects_by_charity ON projects (charity, id);
CREATE INDEX projects_by_due ON projects (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX projects_by_words ON projects USING gin (search);

CREATE TABLE reports (
    id              uuid PRIMARY KEY,
    project         text COLLATE "C" NOT NULL REFERENCES projects (id),
    at              bigint NOT NULL,
    body            text NOT NULL          -- JSON: title, text, hash of the document
);
CREATE INDEX reports_of_projects ON reports (project, at, id);
CREATE FUNCTION report_is_final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a report is final'; END $$;
CREATE TRIGGER reports_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON reports EXECUTE FUNCTION report_is_final();
CREATE FUNCTION report_moves_the_clock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE projects SET reported_at = greatest(NEW.at, reported_at) WHERE id = NEW.project;
    RETURN NULL;
END $$;
CREATE TRIGGER reports_move_the_clock AFTER INSERT ON reports FOR EACH ROW EXECUTE FUNCTION report_moves_the_clock();

-- The share lock keeps the charity's name as it is until this transaction has ended: whoever renames it then finds this project.
CREATE FUNCTION project_to_search() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE of_charity text;
BEGIN
    SELECT name_words || ' x ' || number_words INTO of_charity FROM charities WHERE registration = NEW.charity FOR SHARE;
    NEW.search := setweight(to_tsvector('simple', NEW.title_words), 'A')
        || to_tsvector('simple', 'x ' || NEW.words || ' x ' || coalesce(of_charity, ''));
    RETURN NEW;
END $$;
CREATE TRIGGER projects_to_search BEFORE INSERT OR UPDATE OF title_words, words ON projects FOR EACH ROW EXECUTE FUNCTION project_to_search();

-- The trigger of the projects reads the new name.
CREATE FUNCTION charity_in_search() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE projects SET words = words WHERE charity = NEW.registration;
    RETURN NULL;
END $$;
CREATE TRIGGER charities_in_search AFTER UPDATE ON charities FOR EACH ROW WHEN (OLD.name_words <> NEW.name_words) EXECUTE FUNCTION charity_in_search();
