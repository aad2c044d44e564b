//! The connection to SQLite: how it is opened, and how it is read and written.
//!
//! The database is in write-ahead mode: readers never wait. A killed process loses nothing that was committed, because the operating system
//! has the bytes; for what must survive a power cut too there is [`Durability::Power`], which costs one flush of the disk.
//! The log is left in place when the connection closes, since folding it in then would cost two more flushes per process;
//! it is folded in whenever it has grown past a limit.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::migrations::{APPLICATION_ID, CURRENT, migrate};
use crate::{StoreError, layout};

/// How long a statement waits for another process's transaction, all of which are short.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many pages of 4 KiB the write-ahead log may hold before it is folded in. Every open reads the log: this keeps that well under 1 ms.
const LOG_PAGES: i64 = 200;

/// What a commit survives. Both survive `kill -9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The end of the process.
    Process,
    /// A power cut, too.
    Power,
}

/// Why a closure on the database stopped: SQLite refused, or the store does.
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The database of one store.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl Database {
    /// Opens the database, and creates or migrates it where needed while holding `guard`, a file that is locked meanwhile so that two
    /// processes do not do it at once.
    pub(crate) fn open(path: PathBuf, guard: &Path) -> Result<Self, StoreError> {
        let opening = |source| StoreError::sql("open the database", &path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(opening)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(opening)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(opening)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(opening)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(opening)?;
        if version(&connection, &path)? < CURRENT {
            let lock = File::open(guard).and_then(|file| file.lock().map(|()| file));
            let _lock = lock.map_err(|source| StoreError::io("lock", guard, source))?;
            // Again, since another process may have done it before the lock was free.
            let from = version(&connection, &path)?;
            if from < CURRENT {
                connection.pragma_update(None, "journal_mode", "wal").map_err(opening)?;
                migrate(&mut connection, from).map_err(|source| StoreError::sql("migrate the database", &path, source))?;
                layout::sync_folder(path.parent().unwrap_or(Path::new(".")))?;
            }
        }
        Ok(Self { connection: Mutex::new(connection), path })
    }

    /// Runs `read` on the database. Several statements in it may see different states.
    pub(crate) fn read<T>(
        &self,
        action: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        read(&self.connection()).map_err(|fault| self.explain(action, fault))
    }

    /// Runs `write` in one transaction that is alone from its beginning; nothing of it stays when it fails.
    pub(crate) fn write<T>(
        &self,
        action: &'static str,
        durability: Durability,
        write: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let transact = || {
            let synchronous = if durability == Durability::Power { "full" } else { "normal" };
            connection.pragma_update(None, "synchronous", synchronous)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = write(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        transact().map_err(|fault| self.explain(action, fault))
    }

    fn explain(&self, action: &'static str, fault: Fault) -> StoreError {
        match fault {
            Fault::Sql(source) => StoreError::sql(action, &self.path, source),
            Fault::Store(error) => error,
        }
    }

    /// A panic in another thread rolled its transaction back, so that the connection is sound.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store's version, 0 for a new database. Refuses what is not a store, or a store of a later sprag.
fn version(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let sql = "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
               EXISTS (SELECT 1 FROM sqlite_schema)";
    let (application, version, used): (i64, i64, bool) = connection
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .map_err(|source| StoreError::sql("open the database", path, source))?;
    match (application, version) {
        (0, 0) if !used => Ok(0),
        (APPLICATION_ID, 1..=CURRENT) => Ok(version),
        (APPLICATION_ID, found) if found > CURRENT => {
            Err(StoreError::NewerVersion { path: path.to_owned(), found, known: CURRENT })
        }
        _ => Err(StoreError::NotAStore { path: path.to_owned() }),
    }
}
