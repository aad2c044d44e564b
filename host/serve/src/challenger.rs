//! How a challenger is set up: a second model, which answers some requests in the champion's place or is only scored beside it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::error::ServeError;

/// The name of the variant that answers what no challenger does.
pub(crate) const CHAMPION: &str = "champion";

/// The longest name of a variant, in bytes.
const MOST_NAME: usize = 64;

/// A model beside the champion. It has instances, threads, limits and a fuse of its own, so that whatever it does costs the champion nothing.
#[derive(Clone)]
pub struct Challenger {
    /// The name of its variant, in figures, log lines and headers.
    pub name: String,
    /// What it is there for.
    pub part: Part,
    /// Says which model it is. It must have the champion's columns.
    pub catalog: Arc<dyn Catalog>,
    /// What it may use.
    pub limits: ChallengerLimits,
    /// Whether the service fails to start where it cannot be loaded. Otherwise it is loaded behind the running service, which goes on without it.
    pub is_required: bool,
}

/// What a challenger is there for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// It answers this share of the requests, in percent. What it fails the champion answers. Where an analysis sets its weight, this is 0.
    Weighted(u32),
    /// It answers none: rows that the champion answered are scored once more, and the two answers compared.
    Shadow {
        /// The relative difference from which two numbers do not match.
        tolerance: f64,
    },
}

/// What a challenger may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengerLimits {
    /// Time for one request, waiting included. What is left of the service's own limit is the champion's, where it answers in its place.
    pub time: Duration,
    /// Requests that are scored at once.
    pub concurrency: usize,
    /// Requests that wait. More are the champion's, or not compared.
    pub queue: usize,
    /// Memory of each of its instances.
    pub memory: u64,
}

impl ChallengerLimits {
    /// Those of a challenger that answers.
    pub fn weighted() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { time: Duration::from_secs(1), concurrency: cores, queue: 256, memory: 512 << 20 }
    }

    /// Those of a shadow: one request at a time.
    pub fn shadow() -> Self {
        Self { concurrency: 1, queue: 64, ..Self::weighted() }
    }
}

/// Holds the challengers of a service against each other.
pub(crate) fn check(challengers: &[Challenger], is_analysed: bool) -> Result<(), ServeError> {
    let wrong = |message: String| Err(ServeError::Challengers(message));
    let mut names = HashSet::from([CHAMPION]);
    let (mut sum, mut weighted) = (0, 0);
    for challenger in challengers {
        let name = challenger.name.as_str();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > MOST_NAME || !name.bytes().all(is_plain) {
            return wrong(format!(
                "expected a challenger's name of 1 to {MOST_NAME} lower-case letters, digits, `-`, `_` and `.`, found `{}`",
                name.escape_debug()
            ));
        }
        if !names.insert(name) {
            return wrong(format!("expected a name of its own for each variant, found `{name}` twice"));
        }
        match challenger.part {
            Part::Weighted(share) => {
                sum += u64::from(share);
                weighted += 1;
            }
            Part::Shadow { tolerance } if tolerance.is_finite() && tolerance >= 0.0 => {}
            Part::Shadow { tolerance } => {
                return wrong(format!("expected a tolerance of at least 0 for the shadow `{name}`, found {tolerance}"));
            }
        }
    }
    if sum > 100 {
        return wrong(format!("expected challengers with at most 100 % of the requests together, found {sum} %"));
    }
    if is_analysed && weighted != 1 {
        return wrong(format!("expected one challenger that answers where an analysis sets its weight, found {weighted}"));
    }
    if is_analysed && sum > 0 {
        return wrong(format!("expected no share for a challenger whose weight an analysis sets, found {sum} %"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CatalogError, Release, ReleaseKey};

    struct Nothing;

    impl Catalog for Nothing {
        fn poll(&self, _: Option<&ReleaseKey>) -> Result<Option<Release>, CatalogError> {
            Ok(None)
        }

        fn can_change(&self) -> bool {
            false
        }
    }

    fn told(parts: &[(&str, Part)], is_analysed: bool) -> Option<String> {
        let challenger = |(name, part): &(&str, Part)| Challenger {
            name: (*name).to_owned(),
            part: *part,
            catalog: Arc::new(Nothing),
            limits: ChallengerLimits::weighted(),
            is_required: false,
        };
        let challengers: Vec<_> = parts.iter().map(challenger).collect();
        check(&challengers, is_analysed).err().map(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_divided_is_refused() {
        let shadow = Part::Shadow { tolerance: 0.0 };
        for (parts, is_analysed, expected) in [
            (vec![("b", Part::Weighted(60)), ("c", Part::Weighted(40)), ("d", shadow)], false, None),
            (vec![("b", Part::Weighted(0)), ("d", shadow)], true, None),
            (
                vec![("b", Part::Weighted(60)), ("c", Part::Weighted(41))],
                false,
                Some("expected challengers with at most 100 % of the requests together, found 101 %"),
            ),
            (vec![("champion", shadow)], false, Some("expected a name of its own for each variant, found `champion` twice")),
            (
                vec![("B", shadow)],
                false,
                Some("expected a challenger's name of 1 to 64 lower-case letters, digits, `-`, `_` and `.`, found `B`"),
            ),
            (
                vec![("b", Part::Shadow { tolerance: -1.0 })],
                false,
                Some("expected a tolerance of at least 0 for the shadow `b`, found -1"),
            ),
            (vec![("b", shadow)], true, Some("expected one challenger that answers where an analysis sets its weight, found 0")),
            (
                vec![("b", Part::Weighted(5))],
                true,
                Some("expected no share for a challenger whose weight an analysis sets, found 5 %"),
            ),
        ] {
            assert_eq!(told(&parts, is_analysed).as_deref(), expected);
        }
    }
}
