//! The audit log of a server, and the tokens of its users.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use sprag_core::audit::{beginning, digest};
use sprag_core::digest::Digest;
use sprag_schemas::server::{AuditEntry, Token};

use crate::database::{Durability, Fault};
use crate::{Store, StoreError, json};

/// What is to be entered into the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEntry {
    /// When (RFC 3339, UTC).
    pub at: String,
    /// Who.
    pub by: String,
    /// What, such as `run.request`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// More of it.
    pub details: BTreeMap<String, String>,
}

impl Store {
    /// Enters something into the audit log, on disk when this returns.
    ///
    /// # Errors
    ///
    /// The database cannot be written, or the last entry cannot be read.
    pub fn audit(&self, new: NewAuditEntry) -> Result<AuditEntry, StoreError> {
        self.database.write("write the audit log", Durability::Power, |connection| {
            let last = "SELECT sequence, entry FROM audit ORDER BY sequence DESC LIMIT 1";
            let last = entries(connection, last, [])?.pop();
            let entry = AuditEntry {
                sequence: last.as_ref().map_or(1, |last| last.sequence + 1),
                previous: last.as_ref().map_or_else(beginning, digest).to_string(),
                at: new.at.clone(),
                by: new.by.clone(),
                action: new.action.clone(),
                subject: new.subject.clone(),
                details: new.details.clone(),
            };
            let sequence = entry.sequence.cast_signed();
            connection.execute("INSERT INTO audit (sequence, entry) VALUES (?1, ?2)", params![sequence, json::encode(&entry)])?;
            Ok(entry)
        })
    }

    /// At most `limit` entries of the audit log, newest first, from the newest or from the one before `before`.
    ///
    /// # Errors
    ///
    /// The database or an entry cannot be read.
    pub fn audit_log(&self, limit: usize, before: Option<u64>) -> Result<Vec<AuditEntry>, StoreError> {
        self.database.read("read the audit log", |connection| {
            let before = before.map_or(i64::MAX, u64::cast_signed);
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let sql = "SELECT sequence, entry FROM audit WHERE sequence < ?1 ORDER BY sequence DESC LIMIT ?2";
            entries(connection, sql, params![before, limit])
        })
    }

    /// At most `limit` entries of the audit log, oldest first, after the place `after`.
    ///
    /// # Errors
    ///
    /// The database or an entry cannot be read.
    pub fn audit_after(&self, limit: usize, after: u64) -> Result<Vec<AuditEntry>, StoreError> {
        self.database.read("read the audit log", |connection| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let sql = "SELECT sequence, entry FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
            entries(connection, sql, params![after.cast_signed(), limit])
        })
    }

    /// Enters a token under the SHA-256 of its secret.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub fn add_token(&self, token: &Token, hash: &Digest) -> Result<(), StoreError> {
        self.database.write("enter the token", Durability::Power, |connection| {
            let sql = "INSERT INTO tokens (id, hash, record) VALUES (?1, ?2, ?3)";
            connection.execute(sql, params![token.id, hash.as_bytes(), json::encode(token)])?;
            Ok(())
        })
    }

    /// The token whose secret has this SHA-256, however it stands.
    ///
    /// # Errors
    ///
    /// The database or a record cannot be read.
    pub fn token_of(&self, hash: &Digest) -> Result<Option<Token>, StoreError> {
        self.database.read("read the tokens", |connection| {
            let sql = "SELECT record FROM tokens WHERE hash = ?1";
            let text: Option<String> = connection.query_row(sql, [hash.as_bytes()], |row| row.get(0)).optional()?;
            Ok(text.map(|text| json::decode(&text, || "a token".to_owned())).transpose()?)
        })
    }

    /// Whether there is any token, however it stands.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn has_tokens(&self) -> Result<bool, StoreError> {
        self.database.read("read the tokens", |connection| {
            Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM tokens)", [], |row| row.get(0))?)
        })
    }

    /// All tokens, in the order of their ids.
    ///
    /// # Errors
    ///
    /// The database or a record cannot be read.
    pub fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.database.read("read the tokens", |connection| {
            let mut statement = connection.prepare("SELECT record FROM tokens ORDER BY id")?;
            let texts: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(texts.iter().map(|text| json::decode(text, || "a token".to_owned())).collect::<Result<_, _>>()?)
        })
    }

    /// Takes a token back; whether it counted until then.
    ///
    /// # Errors
    ///
    /// There is no such token, or the database cannot be written.
    pub fn revoke_token(&self, id: &str, at: &str) -> Result<bool, StoreError> {
        self.database.write("take the token back", Durability::Power, |connection| {
            let sql = "SELECT record FROM tokens WHERE id = ?1";
            let text: Option<String> = connection.query_row(sql, [id], |row| row.get(0)).optional()?;
            let text = text.ok_or_else(|| StoreError::UnknownToken { id: id.to_owned() })?;
            let mut token: Token = json::decode(&text, || format!("token `{id}`"))?;
            if token.revoked_at.is_some() {
                return Ok(false);
            }
            token.revoked_at = Some(at.to_owned());
            connection.execute("UPDATE tokens SET record = ?2 WHERE id = ?1", params![id, json::encode(&token)])?;
            Ok(true)
        })
    }
}

fn entries(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<AuditEntry>, Fault> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = vec![];
    while let Some(row) = rows.next()? {
        let (sequence, text): (i64, String) = (row.get(0)?, row.get(1)?);
        found.push(json::decode(&text, || format!("the entry {sequence} of the audit log"))?);
    }
    Ok(found)
}
