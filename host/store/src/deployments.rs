//! What ran in which environment: a history that is only ever added to.

use rusqlite::Connection;
use sprag_schemas::release::{DeploymentEntry, DeploymentEvent};

use crate::database::{Durability, Fault};
use crate::{Store, StoreError, json};

/// What an environment's history says of now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentState {
    /// The newest entry: what runs there, tried or not; none where nothing was ever deployed, or it was removed.
    pub newest: Option<DeploymentEntry>,
    /// The newest entry whose smoke test passed, among those since the service was last removed.
    pub verified: Option<DeploymentEntry>,
}

impl Store {
    /// Adds an entry to the history of its environment, in a transaction that survives a power cut.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub fn add_deployment(&self, entry: &DeploymentEntry) -> Result<(), StoreError> {
        self.database.write("record the deployment", Durability::Power, |connection| {
            let sql = "INSERT INTO deployments (environment, entry) VALUES (?1, ?2)";
            connection.execute(sql, [&entry.environment, &json::encode(entry)])?;
            Ok(())
        })
    }

    /// The history of an environment, newest first.
    ///
    /// # Errors
    ///
    /// The database or an entry cannot be read.
    pub fn deployments(&self, environment: &str) -> Result<Vec<DeploymentEntry>, StoreError> {
        self.database.read("read the deployments", |connection| history(connection, environment))
    }

    /// The history of what stands in an environment, newest first: what happened since its service was last removed.
    ///
    /// # Errors
    ///
    /// The database or an entry cannot be read.
    pub fn standing(&self, environment: &str) -> Result<Vec<DeploymentEntry>, StoreError> {
        let history = self.deployments(environment)?.into_iter();
        Ok(history.take_while(|entry| entry.event != DeploymentEvent::Removed).collect())
    }

    /// The environments that have a history, by name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn environments(&self) -> Result<Vec<String>, StoreError> {
        self.database.read("read the deployments", |connection| {
            let mut statement = connection.prepare("SELECT DISTINCT environment FROM deployments ORDER BY environment")?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    /// What an environment's history says of now.
    ///
    /// # Errors
    ///
    /// The database or an entry cannot be read.
    pub fn environment_state(&self, environment: &str) -> Result<EnvironmentState, StoreError> {
        let history = self.standing(environment)?;
        let verified = history.iter().find(|entry| entry.event == DeploymentEvent::Verified).cloned();
        Ok(EnvironmentState { newest: history.into_iter().next(), verified })
    }
}

fn history(connection: &Connection, environment: &str) -> Result<Vec<DeploymentEntry>, Fault> {
    let mut statement = connection.prepare("SELECT entry FROM deployments WHERE environment = ?1 ORDER BY seq DESC")?;
    let mut rows = statement.query([environment])?;
    let mut entries = vec![];
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        entries.push(json::decode(&text, || format!("a deployment to `{environment}`"))?);
    }
    Ok(entries)
}
