-- Features and clusterings that are kept by a name of their own, whether a run made them or not. The label intensities of
-- runs stay where they are, in `features`: they are made picture by picture, whenever they are asked for.

CREATE TABLE feature_sets (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    recipe      TEXT    NOT NULL,  -- JSON, see features/recipe.rs
    recipe_hash TEXT    NOT NULL,  -- BLAKE3 of the recipe
    columns     TEXT    NOT NULL,  -- JSON: the names of the columns
    images      INTEGER NOT NULL,
    file        TEXT    NOT NULL,  -- in the folder feature_sets
    file_hash   TEXT    NOT NULL,  -- BLAKE3 of the file
    created_at  TEXT    NOT NULL
) STRICT;

CREATE TABLE clusterings (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    features    TEXT    NOT NULL,  -- JSON, see FeatureSource
    facts       TEXT    NOT NULL,  -- JSON: what it was made from, as beside a written clustering
    part        TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    seed        INTEGER NOT NULL,
    clusters    INTEGER NOT NULL,
    images      INTEGER NOT NULL,
    assignments BLOB    NOT NULL,  -- for each image its id, its cluster from 0 and its distance, see clusterings.rs
    checksum    BLOB    NOT NULL,  -- the first 16 bytes of the BLAKE3 of the assignments
    edited_from INTEGER REFERENCES clusterings (id),
    notes       TEXT    NOT NULL,  -- JSON: what people say of each cluster
    created_at  TEXT    NOT NULL
) STRICT;
