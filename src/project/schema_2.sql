-- Studies: raters sort pictures into groups, on a board of their own, move by move.

CREATE TABLE studies (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    seed       INTEGER NOT NULL,
    task_order TEXT    NOT NULL CHECK (task_order IN ('listed', 'rotated')),
    created_at TEXT    NOT NULL,
    closed_at  TEXT               -- raters cannot go on
) STRICT;

CREATE TABLE study_images (
    study_id INTEGER NOT NULL REFERENCES studies (id),
    image_id INTEGER NOT NULL REFERENCES images (id),
    PRIMARY KEY (study_id, image_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE study_tasks (
    id        INTEGER PRIMARY KEY,
    study_id  INTEGER NOT NULL REFERENCES studies (id),
    position  INTEGER NOT NULL,
    condition TEXT    NOT NULL,   -- JSON, see sorting/condition.rs
    occasion  INTEGER NOT NULL,   -- 1 the first time, 2 again: test and retest
    UNIQUE (study_id, position)
) STRICT;

-- The pictures of a task that asks for some of the study's only.
CREATE TABLE task_images (
    task_id  INTEGER NOT NULL REFERENCES study_tasks (id),
    image_id INTEGER NOT NULL REFERENCES images (id),
    PRIMARY KEY (task_id, image_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE study_raters (
    study_id   INTEGER NOT NULL REFERENCES studies (id),
    rater_id   INTEGER NOT NULL REFERENCES people (id),
    position   INTEGER NOT NULL,  -- in the order of joining
    secret     TEXT    NOT NULL UNIQUE,  -- of the rater's link
    removed_at TEXT,              -- what a removed rater did is kept
    PRIMARY KEY (study_id, rater_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sorts (
    id           INTEGER PRIMARY KEY,
    task_id      INTEGER NOT NULL REFERENCES study_tasks (id),
    rater_id     INTEGER NOT NULL REFERENCES people (id),
    version      INTEGER NOT NULL,
    image_order  TEXT    NOT NULL,  -- JSON: image ids in the rater's own order
    placed       INTEGER NOT NULL DEFAULT 0,  -- images placed, so that progress is known without the log
    begun_at     TEXT    NOT NULL,
    last_at      TEXT,              -- the newest move
    submitted_at TEXT,
    UNIQUE (task_id, rater_id, version)
) STRICT;

-- The log. What a sort looks like is what comes out when its moves are made again.
CREATE TABLE sort_moves (
    sort_id   INTEGER NOT NULL REFERENCES sorts (id),
    number    INTEGER NOT NULL,   -- from 1, without gaps
    made_at   TEXT    NOT NULL,
    stored_at TEXT    NOT NULL,   -- later than made_at where the connection was lost in between
    move      TEXT    NOT NULL,   -- JSON, see sorting/moves.rs
    PRIMARY KEY (sort_id, number)
) STRICT, WITHOUT ROWID;

-- When a rater was at work on a sort.
CREATE TABLE sort_visits (
    id        INTEGER PRIMARY KEY,
    sort_id   INTEGER NOT NULL REFERENCES sorts (id),
    opened_at TEXT    NOT NULL,
    paused_at TEXT               -- NULL when the window or page was left without a word
) STRICT;

-- Groupings may now come from a sort, and there may be several of one rater under one condition.
CREATE TABLE groupings_2 (
    id           INTEGER PRIMARY KEY,
    rater_id     INTEGER NOT NULL REFERENCES people (id),
    condition    TEXT    NOT NULL,
    occasion     INTEGER NOT NULL DEFAULT 1,
    version      INTEGER NOT NULL DEFAULT 1,
    sort_id      INTEGER UNIQUE REFERENCES sorts (id),
    created_at   TEXT    NOT NULL,
    submitted_at TEXT
) STRICT;
CREATE TABLE groups_2 (
    id          INTEGER PRIMARY KEY,
    grouping_id INTEGER NOT NULL REFERENCES groupings_2 (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    UNIQUE (grouping_id, name)
) STRICT;
CREATE TABLE group_members_2 (
    grouping_id INTEGER NOT NULL REFERENCES groupings_2 (id) ON DELETE CASCADE,
    image_id    INTEGER NOT NULL REFERENCES images (id),
    group_id    INTEGER NOT NULL REFERENCES groups_2 (id) ON DELETE CASCADE,
    place       INTEGER,          -- when the image was placed, counted from 1 in the sort, where it is known
    PRIMARY KEY (grouping_id, image_id)
) STRICT, WITHOUT ROWID;
INSERT INTO groupings_2 (id, rater_id, condition, created_at, submitted_at)
    SELECT id, rater_id, condition, created_at, submitted_at FROM groupings;
INSERT INTO groups_2 (id, grouping_id, name, position) SELECT id, grouping_id, name, position FROM groups;
INSERT INTO group_members_2 (grouping_id, image_id, group_id)
    SELECT grouping_id, image_id, group_id FROM group_members;
DROP TABLE group_members;
DROP TABLE groups;
DROP TABLE groupings;
ALTER TABLE groupings_2 RENAME TO groupings;
ALTER TABLE groups_2 RENAME TO groups;
ALTER TABLE group_members_2 RENAME TO group_members;
CREATE UNIQUE INDEX imported_groupings ON groupings (rater_id, condition, occasion, version) WHERE sort_id IS NULL;
