//! How many rows may be refused before a job fails.

use std::fmt;
use std::str::FromStr;

/// How many rows may be refused before a job fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// So many.
    Rows(u64),
    /// So many of a hundred. A CSV file is held against it when its rows are counted, at its end.
    Percent(f64),
}

impl Tolerance {
    /// Whether `refused` of `rows` rows are too many.
    pub fn is_passed(self, refused: u64, rows: u64) -> bool {
        match self {
            Self::Rows(most) => refused > most,
            Self::Percent(percent) => refused as f64 * 100.0 > percent * rows as f64,
        }
    }

    /// How many may be refused, where that is known before the rows are counted.
    pub fn most(self, rows: Option<u64>) -> Option<u64> {
        match self {
            Self::Rows(most) => Some(most),
            Self::Percent(percent) => rows.map(|rows| (percent * rows as f64 / 100.0) as u64),
        }
    }
}

impl Default for Tolerance {
    /// None: the first row that is refused fails the job.
    fn default() -> Self {
        Self::Rows(0)
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(most) => write!(f, "{most}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// A text that says no number of rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of rows or a percentage from 0% to 100%, such as `10` or `1%`, found `{found}`")]
pub struct ParseToleranceError {
    found: String,
}

impl FromStr for Tolerance {
    type Err = ParseToleranceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseToleranceError { found: text.chars().take(40).collect() };
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Rows).map_err(|_| error()),
            Some(percent) => {
                let percent: f64 = percent.trim().parse().map_err(|_| error())?;
                if (0.0..=100.0).contains(&percent) { Ok(Self::Percent(percent)) } else { Err(error()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip_and_nonsense_is_refused() {
        for text in ["0", "10", "1%", "0.5%", "100%"] {
            assert_eq!(text.parse::<Tolerance>().unwrap().to_string(), text);
        }
        for text in ["", "-1", "1.5", "101%", "NaN%", "%", "ten"] {
            assert!(text.parse::<Tolerance>().unwrap_err().to_string().contains(&format!("`{text}`")), "{text}");
        }
    }

    #[test]
    fn the_limit_itself_is_not_too_many() {
        assert!(!Tolerance::Rows(2).is_passed(2, 2) && Tolerance::Rows(2).is_passed(3, 1000));
        assert!(!Tolerance::Percent(1.0).is_passed(1, 100) && Tolerance::Percent(1.0).is_passed(2, 100));
        assert!(!Tolerance::Percent(0.0).is_passed(0, 0));
        assert_eq!((Tolerance::Percent(1.0).most(Some(250)), Tolerance::Percent(1.0).most(None)), (Some(2), None));
    }
}
