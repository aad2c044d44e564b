//! The store's versions, and the way from each to the next.
//!
//! A migration runs in one transaction together with the new version number, so that a store is never between two versions. There
//! is no way back: an older sprag refuses a newer store and changes nothing in it.

use rusqlite::{Connection, TransactionBehavior};

/// Marks a database as sprag's, in SQLite's `application_id`: the letters `sprg`.
pub(crate) const APPLICATION_ID: i64 = 0x7370_7267;

/// What turns a store of version N, counted from 0, into version N + 1.
const MIGRATIONS: [&str; 4] =
    [include_str!("schema.sql"), include_str!("release.sql"), include_str!("pipelines.sql"), include_str!("server.sql")];

/// The version that this sprag reads and writes.
pub(crate) const CURRENT: i64 = MIGRATIONS.len() as i64;

/// Brings the database from version `from` to [`CURRENT`].
pub(crate) fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for sql in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        transaction.execute_batch(sql)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", CURRENT)?;
    transaction.commit()
}
