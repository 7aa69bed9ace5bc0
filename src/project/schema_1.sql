CREATE TABLE remarks (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Folders that hold images. Both ways to find them are kept, so that moving either folder is survived.
CREATE TABLE image_roots (
    id            INTEGER PRIMARY KEY,
    absolute_path TEXT NOT NULL UNIQUE,
    relative_path TEXT            -- from the project's folder, where there is such a way
) STRICT;

CREATE TABLE images (
    id              INTEGER PRIMARY KEY,
    root_id         INTEGER NOT NULL REFERENCES image_roots (id),
    relative_path   TEXT    NOT NULL,  -- from the root, with '/'
    content_hash    TEXT    NOT NULL UNIQUE,
    byte_size       INTEGER NOT NULL,
    format          TEXT    NOT NULL,
    width_px        INTEGER NOT NULL,  -- after orientation
    height_px       INTEGER NOT NULL,
    orientation     INTEGER NOT NULL,  -- EXIF, 1 to 8
    perceptual_hash INTEGER NOT NULL,
    imported_at     TEXT    NOT NULL,
    set_aside       TEXT               -- why it takes no part, or NULL
) STRICT;
CREATE INDEX images_by_path ON images (root_id, relative_path);

-- Files that did not become images, and why.
CREATE TABLE rejected_files (
    root_id       INTEGER NOT NULL REFERENCES image_roots (id),
    relative_path TEXT    NOT NULL,
    code          TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    at            TEXT    NOT NULL,
    PRIMARY KEY (root_id, relative_path)
) STRICT, WITHOUT ROWID;

CREATE TABLE labels (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    position   INTEGER NOT NULL,
    removed_at TEXT               -- annotations of a removed label are kept
) STRICT;

CREATE TABLE people (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('annotator', 'rater')),
    created_at TEXT NOT NULL,
    UNIQUE (name, role)
) STRICT;

CREATE TABLE annotations (
    annotator_id INTEGER NOT NULL REFERENCES people (id),
    image_id     INTEGER NOT NULL REFERENCES images (id),
    label_id     INTEGER NOT NULL REFERENCES labels (id),
    value        INTEGER NOT NULL CHECK (value IN (0, 1)),
    at           TEXT    NOT NULL,
    PRIMARY KEY (annotator_id, image_id, label_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX annotations_by_image ON annotations (image_id, label_id);

CREATE TABLE groupings (
    id           INTEGER PRIMARY KEY,
    rater_id     INTEGER NOT NULL REFERENCES people (id),
    condition    TEXT    NOT NULL,
    created_at   TEXT    NOT NULL,
    submitted_at TEXT,
    UNIQUE (rater_id, condition)
) STRICT;

CREATE TABLE groups (
    id          INTEGER PRIMARY KEY,
    grouping_id INTEGER NOT NULL REFERENCES groupings (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    UNIQUE (grouping_id, name)
) STRICT;

CREATE TABLE group_members (
    grouping_id INTEGER NOT NULL REFERENCES groupings (id) ON DELETE CASCADE,
    image_id    INTEGER NOT NULL REFERENCES images (id),
    group_id    INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (grouping_id, image_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE splits (
    id         INTEGER PRIMARY KEY,
    seed       INTEGER NOT NULL,
    method     TEXT    NOT NULL,
    created_at TEXT    NOT NULL
) STRICT;

CREATE TABLE split_parts (
    split_id INTEGER NOT NULL REFERENCES splits (id) ON DELETE CASCADE,
    image_id INTEGER NOT NULL REFERENCES images (id),
    part     TEXT    NOT NULL CHECK (part IN ('train', 'validation', 'test')),
    PRIMARY KEY (split_id, image_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY,
    status        TEXT    NOT NULL CHECK (status IN ('running', 'finished', 'stopped', 'interrupted', 'failed')),
    created_at    TEXT    NOT NULL,
    ended_at      TEXT,
    configuration TEXT    NOT NULL,  -- resolved, TOML
    seed          INTEGER NOT NULL,
    split_id      INTEGER NOT NULL REFERENCES splits (id),
    data_hash     TEXT    NOT NULL,  -- of image hashes, parts and labels, in order
    labels        TEXT    NOT NULL,  -- JSON: [[label id, name], …] in the run's order
    weights_hash  TEXT    NOT NULL,
    app_version   TEXT    NOT NULL,
    device        TEXT    NOT NULL,
    best_epoch    INTEGER,
    message       TEXT               -- why it failed, or what the person should know
) STRICT;

-- Feature vectors that can be computed again only with the run that made them.
CREATE TABLE features (
    run_id   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    kind     TEXT    NOT NULL,
    image_id INTEGER NOT NULL REFERENCES images (id),
    vector   BLOB    NOT NULL,       -- f32, little-endian, in the order of the run's labels
    PRIMARY KEY (run_id, kind, image_id)
) STRICT, WITHOUT ROWID;

-- What people did, newest last; `undone` entries can be done again.
CREATE TABLE history (
    id      INTEGER PRIMARY KEY,
    at      TEXT    NOT NULL,
    change  TEXT    NOT NULL,        -- JSON, see history.rs
    undone  INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
) STRICT;
