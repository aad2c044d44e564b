//! Amounts that several users share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sprag_schemas::quantity::ByteSize;

use crate::failure::LimitHit;

/// A number of bytes that all clones share.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    key: &'static str,
    limit: u64,
    used: Arc<AtomicU64>,
}

impl Budget {
    /// A budget of `limit` bytes, named in errors as the limit `key`.
    pub(crate) fn new(key: &'static str, limit: u64) -> Self {
        Self { key, limit, used: Arc::default() }
    }

    /// Takes `bytes` of the budget; where that is more than is left, nothing is taken.
    pub(crate) fn spend(&self, bytes: u64) -> Result<(), LimitHit> {
        let fits = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => Ok(()),
            Err(_) => Err(LimitHit { key: self.key, limit: ByteSize(self.limit).to_string() }),
        }
    }

    /// Puts back what was taken before.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Budget {
    /// Takes `bytes` of the budget until what is returned goes.
    pub(crate) fn hold(&self, bytes: u64) -> Result<Held, LimitHit> {
        self.spend(bytes)?;
        Ok(Held { budget: self.clone(), bytes })
    }
}

/// A part of a budget that is taken for as long as this is there.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Budget,
    bytes: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_is_left() {
        let budget = Budget::new("memory", 10);
        let clone = budget.clone();
        assert_eq!(budget.spend(7), Ok(()));
        assert_eq!(clone.spend(4), Err(LimitHit { key: "memory", limit: "10B".to_owned() }));
        assert_eq!(clone.spend(u64::MAX).unwrap_err().key, "memory");
        budget.give_back(1);
        assert_eq!(clone.spend(4), Ok(()));
    }
}
