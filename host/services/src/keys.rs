//! Bearer keys that come from environment variables, on their way from whoever deploys to the service.
//!
//! A supervisor outlives the command that started it, and that command's environment with it: were it the one that counts, a key could never change. So each
//! change hands the values over, through a pipe in the service's folder that its owner alone may open: no value is in an argument or on disk. What the folder
//! keeps is a mark, by which a supervisor and the next command know whether a value is the one that is meant.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The most bytes that a pipe is read for at once.
const PIECE: usize = 4096;

/// What the folder keeps of a key: the variable that holds it, and a salted digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Mark {
    pub(crate) variable: String,
    salt: String,
    digest: String,
}

impl Mark {
    fn of(variable: &str, value: &str) -> std::io::Result<Self> {
        let mut salt = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut salt)?;
        let salt = hex(&salt);
        let digest = digest(&salt, variable, value);
        Ok(Self { variable: variable.to_owned(), salt, digest })
    }

    fn fits(&self, value: &str) -> bool {
        digest(&self.salt, &self.variable, value) == self.digest
    }
}

fn digest(salt: &str, variable: &str, value: &str) -> String {
    // No part holds a line break but the last, so that no two triples read alike.
    hex(&Sha256::new()
        .chain_update(salt)
        .chain_update("\n")
        .chain_update(variable)
        .chain_update("\n")
        .chain_update(value)
        .finalize())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Keys by their variables.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Keys(BTreeMap<String, Zeroizing<String>>);

impl Keys {
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(variable, value)| (variable.as_str(), value.as_str()))
    }

    /// The marks of all, the earlier ones where they fit still.
    pub(crate) fn marks(&self, earlier: &[Mark]) -> std::io::Result<Vec<Mark>> {
        let mark = |(variable, value): (&str, &str)| {
            let same = earlier.iter().find(|mark| mark.variable == variable && mark.fits(value));
            same.map_or_else(|| Mark::of(variable, value), |mark| Ok(mark.clone()))
        };
        self.iter().map(mark).collect()
    }

    /// The keys that marks mean; none where one is not there, or is another.
    pub(crate) fn meant_by(&self, marks: &[Mark]) -> Option<Self> {
        let key = |mark: &Mark| {
            let value = self.0.get(&mark.variable).filter(|value| mark.fits(value))?;
            Some((mark.variable.clone(), value.clone()))
        };
        marks.iter().map(key).collect::<Option<_>>().map(Self)
    }
}

impl FromIterator<(String, String)> for Keys {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(all: T) -> Self {
        Self(all.into_iter().map(|(variable, value)| (variable, Zeroizing::new(value))).collect())
    }
}

/// The pipe through which a supervisor gets keys.
pub(crate) struct Inbox {
    pipe: File,
    read: Zeroizing<Vec<u8>>,
}

impl Inbox {
    /// Makes the pipe. One that a supervisor of before left leads nowhere.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?,
        }
        // Open for both, it never ends, whoever comes and goes at the other side.
        let pipe = OpenOptions::new().read(true).write(true).custom_flags(at_once()).open(path)?;
        Ok(Self { pipe, read: Zeroizing::new(Vec::with_capacity(PIECE)) })
    }

    /// The keys that came since the last look.
    pub(crate) fn take(&mut self) -> Keys {
        let mut piece = Zeroizing::new([0; PIECE]);
        while let Ok(count @ 1..) = self.pipe.read(piece.as_mut_slice()) {
            self.read.extend_from_slice(&piece[..count]);
        }
        let mut keys = Keys::default();
        while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
            let line = Zeroizing::new(self.read.drain(..=end).collect::<Vec<_>>());
            // What a command that was killed left unfinished is no message.
            if let Ok(more) = serde_json::from_slice(&line) {
                keys.extend(more);
            }
        }
        keys
    }
}

/// Sends keys through a pipe. Says whether somebody is there to take them.
pub(crate) fn send(path: &Path, keys: &Keys) -> std::io::Result<bool> {
    let mut pipe = match OpenOptions::new().write(true).custom_flags(at_once()).open(path) {
        Ok(pipe) => pipe,
        Err(error) if error.kind() == ErrorKind::NotFound || is_unread(&error) => return Ok(false),
        Err(error) => return Err(error),
    };
    // The line break before it parts it from what another command left unfinished.
    let mut message = Zeroizing::new(b"\n".to_vec());
    serde_json::to_writer(&mut *message, keys)?;
    message.push(b'\n');
    match pipe.write_all(&message) {
        Ok(()) => Ok(true),
        // Whoever read it went away meanwhile.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// The flag by which opening, reading and writing wait for nobody.
fn at_once() -> i32 {
    OFlags::NONBLOCK.bits().cast_signed()
}

/// Whether a pipe could not be opened since nobody reads it (open(2), `ENXIO`).
fn is_unread(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn keys(all: &[(&str, &str)]) -> Keys {
        all.iter().map(|(variable, value)| ((*variable).to_owned(), (*value).to_owned())).collect()
    }

    fn all(keys: &Keys) -> Vec<(&str, &str)> {
        keys.iter().collect()
    }

    #[test]
    fn a_mark_knows_its_value_and_tells_nothing_of_it() {
        let one = keys(&[("KEY", "s3cret-of-today")]);
        let marks = one.marks(&[]).unwrap();
        assert_eq!(one.marks(&marks).unwrap(), marks, "the same value keeps its mark");
        assert_ne!(one.marks(&[]).unwrap(), marks, "each mark has a salt of its own");
        assert!(!serde_json::to_string(&marks).unwrap().contains("s3cret"));
        assert_eq!(all(&one.meant_by(&marks).unwrap()), [("KEY", "s3cret-of-today")]);
        assert!(keys(&[("KEY", "s3cret-of-tomorrow")]).meant_by(&marks).is_none());
        assert!(Keys::default().meant_by(&marks).is_none());
        assert!(Keys::default().meant_by(&[]).is_some_and(|none| none.is_empty()));
    }

    #[test]
    fn keys_arrive_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let sent = keys(&[("A", "1 \"quoted\""), ("B", "two\nlines")]);
        assert!(!send(&path, &sent).unwrap(), "there is no pipe");
        let mut inbox = Inbox::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(inbox.take().is_empty());
        (&inbox.pipe).write_all(b"{\"A\":\"unfini").unwrap();
        assert!(inbox.take().is_empty());
        assert!(send(&path, &sent).unwrap());
        assert_eq!(all(&inbox.take()), all(&sent));
        drop(inbox);
        // A process that another test starts at this moment has the pipe until it is that process.
        let since = std::time::Instant::now();
        while send(&path, &sent).unwrap() {
            assert!(since.elapsed() < std::time::Duration::from_secs(10), "nobody reads it");
        }
        assert!(Inbox::open(&path).unwrap().take().is_empty());
    }
}
