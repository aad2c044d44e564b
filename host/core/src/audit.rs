//! The chain that an audit log is.

use sprag_schemas::server::AuditEntry;

use crate::digest::{Digest, Hasher};

/// What the first entry names as the one before it.
pub fn beginning() -> Digest {
    Digest::of(b"")
}

/// The digest of an entry: over each of its fields with its length, so that no two entries give the same bytes.
pub fn digest(entry: &AuditEntry) -> Digest {
    let mut hasher = Hasher::new();
    hasher.field(b"sprag-audit/1");
    hasher.field(entry.sequence.to_string().as_bytes());
    for text in [&entry.at, &entry.by, &entry.action, &entry.subject, &entry.previous] {
        hasher.field(text.as_bytes());
    }
    for (name, value) in &entry.details {
        hasher.field(name.as_bytes());
        hasher.field(value.as_bytes());
    }
    hasher.finish()
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// An entry is missing, or there is one too many.
    #[error("expected the entry {expected}, found {found}")]
    Sequence {
        /// The place that should come.
        expected: u64,
        /// The place that comes.
        found: u64,
    },
    /// An entry was changed, or another stands before it.
    #[error("the entry {sequence} names {named} as the digest of the one before, which is {found}")]
    Link {
        /// Its place.
        sequence: u64,
        /// What it names.
        named: String,
        /// What it is.
        found: String,
    },
    /// The last entry is not the one that somebody knows of.
    #[error("expected the log to hold the entry with the digest {expected}, found none")]
    Head {
        /// Its digest.
        expected: String,
    },
}

/// A log that is held against its chain, entry by entry: however long it is, one entry is in memory.
///
/// `known` is the digest of an entry that somebody wrote down elsewhere: without one, nobody can tell that entries were cut off at the end.
#[derive(Debug, Clone)]
pub struct Chain<'a> {
    count: u64,
    head: Digest,
    known: Option<&'a str>,
    is_known: bool,
}

impl<'a> Chain<'a> {
    /// The chain before its first entry.
    pub fn new(known: Option<&'a str>) -> Self {
        Self { count: 0, head: beginning(), known, is_known: known.is_none() }
    }

    /// How many entries were held against it.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Holds the next entry against it.
    ///
    /// # Errors
    /// It is not the one that comes next, or another stands before it.
    pub fn push(&mut self, entry: &AuditEntry) -> Result<(), BrokenChain> {
        if entry.sequence != self.count + 1 {
            return Err(BrokenChain::Sequence { expected: self.count + 1, found: entry.sequence });
        }
        if entry.previous != self.head.to_string() {
            let (named, found) = (entry.previous.clone(), self.head.to_string());
            return Err(BrokenChain::Link { sequence: entry.sequence, named, found });
        }
        (self.count, self.head) = (entry.sequence, digest(entry));
        self.is_known = self.is_known || self.known == Some(self.head.to_string().as_str());
        Ok(())
    }

    /// The digest of the last entry.
    ///
    /// # Errors
    /// The entry that somebody knows of was not among them.
    pub fn finish(self) -> Result<Digest, BrokenChain> {
        match self.known {
            Some(expected) if !self.is_known => Err(BrokenChain::Head { expected: expected.to_owned() }),
            _ => Ok(self.head),
        }
    }
}

/// Holds a whole log against its chain: gives the number of entries and the digest of the last one.
///
/// # Errors
/// The chain is broken: says where.
pub fn verify<'a>(entries: impl IntoIterator<Item = &'a AuditEntry>, known: Option<&str>) -> Result<(u64, Digest), BrokenChain> {
    let mut chain = Chain::new(known);
    entries.into_iter().try_for_each(|entry| chain.push(entry))?;
    Ok((chain.count(), chain.finish()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(count: u64) -> Vec<AuditEntry> {
        let mut entries: Vec<AuditEntry> = vec![];
        for sequence in 1..=count {
            let previous = entries.last().map_or_else(beginning, digest).to_string();
            entries.push(AuditEntry {
                sequence,
                at: "2026-11-26T00:00:00Z".to_owned(),
                by: "ada".to_owned(),
                action: "run.request".to_owned(),
                subject: format!("r{sequence}"),
                details: [("pipeline".to_owned(), "diabetes".to_owned())].into(),
                previous,
            });
        }
        entries
    }

    #[test]
    fn a_log_as_it_was_written_is_whole() {
        assert_eq!(verify(&[], None).unwrap(), (0, beginning()));
        let entries = log(5);
        let (count, head) = verify(&entries, None).unwrap();
        assert_eq!((count, head), (5, digest(&entries[4])));
        for entry in &entries {
            assert!(verify(&entries, Some(&digest(entry).to_string())).is_ok(), "whoever knows an early entry finds it");
        }
    }

    #[test]
    fn whatever_is_done_to_a_log_shows() {
        let whole = log(5);
        let head = digest(&whole[4]).to_string();
        let broken = |change: &dyn Fn(&mut Vec<AuditEntry>)| {
            let mut entries = whole.clone();
            change(&mut entries);
            verify(&entries, Some(&head)).unwrap_err()
        };
        assert!(matches!(broken(&|log| log[2].by = "eve".to_owned()), BrokenChain::Link { sequence: 4, .. }));
        assert!(matches!(broken(&|log| drop(log[2].details.insert("x".to_owned(), "y".to_owned()))), BrokenChain::Link { .. }));
        assert!(matches!(broken(&|log| drop(log.remove(1))), BrokenChain::Sequence { expected: 2, found: 3 }));
        assert!(matches!(broken(&|log| log.swap(0, 1)), BrokenChain::Sequence { .. }));
        assert!(matches!(broken(&|log| log.truncate(4)), BrokenChain::Head { .. }), "cut off at the end");
        assert!(matches!(broken(&|log| log[4].subject.push('x')), BrokenChain::Head { .. }), "the last one changed");
    }

    #[test]
    fn no_two_entries_have_the_same_digest() {
        let [mut a, mut b] = [log(1).remove(0), log(1).remove(0)];
        (a.by, a.action) = ("ad".to_owned(), "arun".to_owned());
        (b.by, b.action) = ("ada".to_owned(), "run".to_owned());
        assert_ne!(digest(&a), digest(&b));
    }
}
