//! A digest of every table, so that damage of `project.db` is noticed wherever it strikes.
//!
//! SQLite notices damage of its own structure, not of what is stored: a flipped bit turns a yes into a no and every
//! check of the database passes. Therefore the table `digests` holds, for each other table, the number of its rows and
//! the sum (modulo 2¹²⁸) of the rows' hashes. A sum does not depend on the order of the rows, and a change of one row
//! changes it by that row's hashes before and after: temporary triggers on a connection that writes add these up while a
//! transaction runs ([`Watch`]), and [`Watch::store`] adds the sums to the table at its end, in the same transaction.
//! [`damaged_tables`] computes all digests again and returns which differ.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::{Error, Result};

/// The table that holds the digests, which has none itself.
const OWN_TABLE: &str = "digests";
/// The SQL function by which the triggers tell of a row.
const NOTE_ROW: &str = "atmoscope_note_row";

/// Rows of a table and the sum of their hashes, or how far both changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Digest {
    row_count: i64,
    sum: u128,
}

impl Digest {
    fn add(&mut self, other: Self) {
        self.row_count += other.row_count;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// Adds up what a connection changes. Tables are known by their number in the list of the database's tables.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    tables: Arc<Vec<String>>,
    changes: Arc<Mutex<BTreeMap<usize, Digest>>>,
}

impl Watch {
    /// Begins to watch a connection whose database has the newest schema.
    pub(super) fn start(connection: &Connection) -> Result<Self> {
        let tables = tables(connection)?;
        let changes: Arc<Mutex<BTreeMap<usize, Digest>>> = Arc::default();
        let noted = changes.clone();
        connection.create_scalar_function(NOTE_ROW, -1, FunctionFlags::SQLITE_UTF8, move |context| {
            let (table, sign): (usize, i64) = (context.get::<i64>(0)? as usize, context.get(1)?);
            let hash = hash_of(&values(context));
            let sum = if sign > 0 { hash } else { hash.wrapping_neg() };
            let mut changes = noted.lock().unwrap_or_else(PoisonError::into_inner);
            changes.entry(table).or_default().add(Digest { row_count: sign, sum });
            Ok(0)
        })?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        let mut triggers = String::new();
        for (number, table) in tables.iter().enumerate() {
            let note = |sign: i64, row: &str, columns: &[String]| {
                let fields: Vec<String> = columns.iter().map(|column| format!("{row}.\"{column}\"")).collect();
                format!("SELECT {NOTE_ROW}({number}, {sign}, {});", fields.join(", "))
            };
            let columns = columns(connection, table)?;
            let (added, removed) = (note(1, "NEW", &columns), note(-1, "OLD", &columns));
            for (event, statements) in
                [("INSERT", added.clone()), ("DELETE", removed.clone()), ("UPDATE", format!("{removed} {added}"))]
            {
                triggers.push_str(&format!(
                    "CREATE TEMP TRIGGER \"digest of {table} after {event}\" AFTER {event} ON main.\"{table}\" \
                     BEGIN {statements} END;\n"
                ));
            }
        }
        connection.execute_batch(&triggers)?;
        Ok(Self { tables: Arc::new(tables), changes })
    }

    /// Forgets what a transaction changed that was rolled back, or begins a new one.
    pub(super) fn clear(&self) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Adds what the transaction changed to the stored digests.
    pub(super) fn store(&self, transaction: &Transaction<'_>) -> Result<()> {
        let changes = std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner));
        for (number, change) in changes.into_iter().filter(|(_, change)| *change != Digest::default()) {
            let table = &self.tables[number];
            let mut digest = stored(transaction, table)?.unwrap_or_default();
            digest.add(change);
            put(transaction, table, digest)?;
        }
        Ok(())
    }
}

/// Stores the digests of all tables as they are now: of a database whose content is taken as right. One of a form that
/// has no digests is left as it is.
pub(super) fn store_all(connection: &Connection) -> Result<()> {
    if columns(connection, OWN_TABLE)?.is_empty() {
        return Ok(());
    }
    for table in tables(connection)? {
        put(connection, &table, compute(connection, &table)?)?;
    }
    Ok(())
}

/// Stores the digest of one table as it is now.
pub(super) fn store_of(connection: &Connection, table: &str) -> Result<()> {
    put(connection, table, compute(connection, table)?)
}

/// The tables that do not hold what was stored in them. Reads the whole database: about a second for 1.6 million rows.
///
/// # Errors
/// `Device` or `Data` when the database cannot be read.
pub(super) fn damaged_tables(connection: &Connection) -> Result<Vec<String>> {
    // One state of the database for all tables, whatever others write meanwhile.
    let snapshot = connection.unchecked_transaction()?;
    let mut damaged = Vec::new();
    for table in tables(&snapshot)? {
        if stored(&snapshot, &table)?.unwrap_or_default() != compute(&snapshot, &table)? {
            damaged.push(table);
        }
    }
    Ok(damaged)
}

fn tables(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> ?1
         ORDER BY name",
    )?;
    let names = statement.query_map([OWN_TABLE], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1, 'main') ORDER BY cid")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn stored(connection: &Connection, table: &str) -> Result<Option<Digest>> {
    let found: Option<(i64, Vec<u8>)> = connection
        .prepare_cached("SELECT row_count, digest FROM digests WHERE table_name = ?1")?
        .query_row([table], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found
        .map(|(row_count, sum)| {
            let sum = <[u8; 16]>::try_from(sum.as_slice())
                .map_err(|_| Error::data("project.db is damaged (a digest has another length than it should)"))?;
            Ok(Digest { row_count, sum: u128::from_le_bytes(sum) })
        })
        .transpose()
}

fn put(connection: &Connection, table: &str, digest: Digest) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO digests (table_name, row_count, digest) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET row_count = excluded.row_count, digest = excluded.digest",
        )?
        .execute(params![table, digest.row_count, digest.sum.to_le_bytes()])?;
    Ok(())
}

fn compute(connection: &Connection, table: &str) -> Result<Digest> {
    let columns = columns(connection, table)?;
    let fields: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    let mut statement = connection.prepare(&format!("SELECT {} FROM main.\"{table}\"", fields.join(", ")))?;
    let mut rows = statement.query([])?;
    let mut digest = Digest::default();
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|column| row.get_ref(column)).collect::<Result<Vec<_>, _>>()?;
        digest.add(Digest { row_count: 1, sum: hash_of(&values) });
    }
    Ok(digest)
}

/// The values of the row that a trigger tells of.
fn values<'a>(context: &'a Context<'_>) -> Vec<ValueRef<'a>> {
    (2..context.len()).map(|argument| context.get_raw(argument)).collect()
}

/// A hash of typed values, each with its length, so that no two rows are the same bytes.
fn hash_of(values: &[ValueRef<'_>]) -> u128 {
    let mut bytes = Vec::with_capacity(16 * values.len());
    for value in values {
        match value {
            ValueRef::Null => bytes.push(0),
            ValueRef::Integer(number) => {
                bytes.push(1);
                bytes.extend(number.to_le_bytes());
            }
            ValueRef::Real(number) => {
                bytes.push(2);
                bytes.extend(number.to_le_bytes());
            }
            ValueRef::Text(text) => {
                bytes.push(3);
                bytes.extend((text.len() as u64).to_le_bytes());
                bytes.extend(*text);
            }
            ValueRef::Blob(blob) => {
                bytes.push(4);
                bytes.extend((blob.len() as u64).to_le_bytes());
                bytes.extend(*blob);
            }
        }
    }
    let hash = blake3::hash(&bytes);
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_le_bytes(short)
}
