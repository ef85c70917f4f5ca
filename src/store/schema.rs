//! The tables, and how an older file becomes a newer one.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::StoreError;

/// One step a format; never edit a step that was released.
const STEPS: &[&str] = &[
    "
CREATE TABLE mapping (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,      -- model/mapping
    org_id  TEXT                       -- where its snapshot is true
);
CREATE TABLE snapshot (
    mapping   INTEGER NOT NULL REFERENCES mapping(id),
    key       TEXT NOT NULL,
    hash      BLOB NOT NULL,           -- 16 bytes over the mapped payload
    record_id TEXT,
    PRIMARY KEY (mapping, key)
) WITHOUT ROWID;
CREATE INDEX snapshot_record ON snapshot (mapping, record_id);
CREATE TABLE run (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    mapping     INTEGER NOT NULL REFERENCES mapping(id),
    status      TEXT NOT NULL,
    pid         INTEGER NOT NULL,      -- the process that works on it
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    org         TEXT NOT NULL,         -- JSON of the org
    definition  TEXT NOT NULL,         -- JSON of the mapping as it was
    full_resync INTEGER NOT NULL,
    partial     INTEGER NOT NULL,      -- not every row was read: nothing can be called removed
    books       TEXT NOT NULL,
    forecast    TEXT,
    api_calls   INTEGER NOT NULL DEFAULT 0,
    seconds     REAL NOT NULL DEFAULT 0,
    message     TEXT
);
CREATE INDEX run_of_mapping ON run (mapping, id);
CREATE TABLE row (
    run        INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,       -- place in the query's result, from 0
    key        TEXT NOT NULL,          -- JSON pairs, for people
    canonical  TEXT,                   -- the key as one text; null when the key is
    change     TEXT NOT NULL,
    hash       BLOB NOT NULL,
    payload    TEXT NOT NULL,
    rejections TEXT NOT NULL,
    match_values TEXT NOT NULL,
    signature  TEXT,                   -- equal for rows that mean one record
    action     TEXT,
    record_id  TEXT,
    modstamp   TEXT,
    fields     TEXT NOT NULL DEFAULT '[]',
    candidates TEXT NOT NULL DEFAULT '[]',
    settled    INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    code       TEXT,
    outcome    TEXT,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE INDEX row_action ON row (run, action, position);
CREATE INDEX row_outcome ON row (run, outcome, position);
CREATE INDEX row_canonical ON row (run, canonical);
CREATE INDEX row_record ON row (run, record_id);
CREATE INDEX row_signature ON row (run, signature);
CREATE TABLE journal (
    run       INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    call      INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    positions TEXT NOT NULL,           -- JSON
    sent_at   TEXT NOT NULL,
    answered  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, call)
) WITHOUT ROWID;
CREATE INDEX journal_open ON journal (answered, run);
",
    "
ALTER TABLE row ADD COLUMN parent TEXT;     -- the record that a write locks beside its own
ALTER TABLE row ADD COLUMN call INTEGER;    -- the Bulk call that carries it
CREATE INDEX row_call ON row (run, call) WHERE call IS NOT NULL;
ALTER TABLE journal ADD COLUMN job TEXT;    -- the Bulk job of the call
CREATE TABLE job_key (                      -- what joins a job's results to its rows
    run      INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE TABLE found (                        -- records of a scan, while a plan is made
    run    INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    key    TEXT NOT NULL,
    id     TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run, key, id)
) WITHOUT ROWID;
",
    "
ALTER TABLE row ADD COLUMN sources TEXT NOT NULL DEFAULT '{}'; -- what the source says where another word is sent
CREATE TABLE described (               -- what orgs said of their objects; no records, no secrets
    org      TEXT NOT NULL,
    username TEXT NOT NULL,
    version  TEXT NOT NULL,            -- of the API
    item     TEXT NOT NULL,            -- 'objects', 'object Contact', 'picklists Contact 012...'
    format   INTEGER NOT NULL,         -- of the body; one that is not this version's is read anew
    body     TEXT NOT NULL,            -- JSON
    modified TEXT,                     -- the server's own date, for If-Modified-Since
    read_at  TEXT NOT NULL,            -- when the body came
    checked_at TEXT NOT NULL,          -- when it was last known to be true
    PRIMARY KEY (org, username, version, item)
) WITHOUT ROWID;
",
    "
ALTER TABLE mapping ADD COLUMN basis TEXT;  -- JSON: the key, object … that its snapshot is true of
ALTER TABLE run ADD COLUMN basis TEXT;      -- the same as the plan found it
ALTER TABLE run ADD COLUMN snapshot_rows INTEGER NOT NULL DEFAULT 0; -- in the snapshot before the plan
ALTER TABLE run ADD COLUMN mass_delete INTEGER;                      -- records of removed rows, when they are too many
ALTER TABLE run ADD COLUMN mass_delete_allowed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE row ADD COLUMN known_record TEXT; -- of a removed row: its record, as the snapshot knows it
ALTER TABLE row ADD COLUMN planned TEXT;      -- JSON: what was reviewed, where it is decided anew since
DROP INDEX row_signature; -- sorting once is cheaper than keeping order while a million rows are staged
DROP INDEX snapshot_record;
ALTER TABLE snapshot RENAME TO snapshot_before;
CREATE TABLE snapshot (
    number    INTEGER PRIMARY KEY,     -- small and dense, so that one bit says whether a run has seen it
    mapping   INTEGER NOT NULL REFERENCES mapping(id),
    key       TEXT NOT NULL,
    hash      BLOB NOT NULL,           -- 16 bytes over the mapped payload
    record_id TEXT,
    match_values TEXT,                 -- JSON; null in what an older version wrote
    UNIQUE (mapping, key)
);
INSERT INTO snapshot (mapping, key, hash, record_id) SELECT mapping, key, hash, record_id FROM snapshot_before;
DROP TABLE snapshot_before;
CREATE INDEX snapshot_compare ON snapshot (mapping, key, hash); -- all that change detection reads
CREATE INDEX snapshot_record ON snapshot (mapping, record_id) WHERE record_id IS NOT NULL;
",
    "
CREATE TABLE lease (                   -- who works on a mapping now: one at a time
    mapping   INTEGER PRIMARY KEY REFERENCES mapping(id),
    run       INTEGER NOT NULL UNIQUE REFERENCES run(id) ON DELETE CASCADE,
    token     TEXT NOT NULL,           -- of whoever has it: what others write about the run does not count
    pid       INTEGER NOT NULL,
    boot      TEXT NOT NULL,           -- the machine's start
    namespace TEXT NOT NULL,           -- where the pid means something
    born      TEXT NOT NULL,           -- when the process was, in the system's words
    beat      INTEGER NOT NULL DEFAULT 0, -- counts up while it lives; no clock is trusted
    request   TEXT,                    -- what a person asked: pause, stop
    progress  TEXT                     -- JSON: how far it is
);
",
    "
CREATE TABLE scheduled (               -- the last moment that was run, or from when on it is counted
    mapping  INTEGER PRIMARY KEY REFERENCES mapping(id),
    schedule TEXT NOT NULL,            -- as it printed then
    moment   INTEGER NOT NULL          -- seconds since 1970
);
",
];

/// Applies the steps that the file does not have yet, each in a transaction of its own.
pub(super) fn migrate(connection: &Connection, path: &str) -> Result<(), StoreError> {
    let known = STEPS.len() as i64;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for (at, step) in STEPS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let step_of = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        // Another process may have opened the file at the same moment.
        let now: i64 = step_of.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if now == at as i64 {
            step_of.execute_batch(&format!("{step}; PRAGMA user_version = {};", at + 1))?;
        }
        step_of.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_of_an_older_version_is_carried_over() {
        let connection = Connection::open_in_memory().unwrap();
        let before = STEPS.iter().position(|step| step.contains("snapshot_before")).unwrap();
        for step in &STEPS[..before] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "user_version", before as i64).unwrap();
        connection
            .execute_batch(
                "INSERT INTO mapping (id, name) VALUES (1, 'a/b'); \
                 INSERT INTO snapshot VALUES (1, '7', zeroblob(16), '003'), (1, '8', zeroblob(16), NULL);",
            )
            .unwrap();
        migrate(&connection, "memory").unwrap();
        let carried: (i64, i64, i64) = connection
            .query_row("SELECT count(*), count(record_id), count(match_values) FROM snapshot", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .unwrap();
        assert_eq!(carried, (2, 1, 0));
    }
}
