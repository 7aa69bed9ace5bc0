-- What is stored can be checked when it is read again.

-- Length and times of the file when it was last found to hold what was imported; see images.rs.
ALTER TABLE images ADD COLUMN file_stamp TEXT;

-- The first 16 bytes of a BLAKE3 of the vector's bytes. Those stored before were not checked when they were made; they
-- are taken as they are now.
ALTER TABLE features ADD COLUMN checksum BLOB;

-- The study that an imported grouping was made in, as its file says.
ALTER TABLE groupings ADD COLUMN study TEXT;
DROP INDEX imported_groupings;
CREATE UNIQUE INDEX imported_groupings ON groupings (rater_id, condition, coalesce(study, ''), occasion, version)
    WHERE sort_id IS NULL;

-- The digest of every other table; see digests.rs.
CREATE TABLE digests (
    table_name TEXT    PRIMARY KEY,
    row_count  INTEGER NOT NULL,
    digest     BLOB    NOT NULL
) STRICT;
