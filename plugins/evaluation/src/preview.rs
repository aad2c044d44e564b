//! The first predictions, as a file for people and for other tools.

use std::fmt::{Display, Write as _};

use sprag_sdk::{Failure, write_artifact};

/// How many rows the file has at most, so that it stays small beside the data.
const ROWS: usize = 10_000;

/// Collects the first rows of the hold-out: the truth, and what each model predicts. The numbers are written so that reading them gives the same bits.
#[derive(Debug)]
pub struct Preview {
    rows: usize,
    text: String,
}

impl Preview {
    /// An empty file, with a column for production where there is one.
    pub fn new(production: bool) -> Self {
        let text = if production { "row,truth,candidate,production\n" } else { "row,truth,candidate\n" };
        Self { rows: 0, text: text.to_owned() }
    }

    /// Adds the next row of the hold-out, unless there are enough.
    pub fn add(&mut self, truth: impl Display, candidate: impl Display, production: Option<impl Display>) {
        if self.rows < ROWS {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{},{},{}", self.rows, Quoted(truth), Quoted(candidate));
            if let Some(production) = production {
                let _ = write!(self.text, ",{}", Quoted(production));
            }
            self.text.push('\n');
            self.rows += 1;
        }
    }

    /// The file so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Leaves the file with the run, as `predictions.csv`.
    ///
    /// # Errors
    ///
    /// When the host cannot take it.
    pub fn write(&self) -> Result<(), Failure> {
        write_artifact("predictions.csv", "text/csv", self.text.as_bytes())
    }
}

/// A value as a field of a comma-separated line (RFC 4180).
struct Quoted<T>(T);

impl<T: Display> Display for Quoted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.to_string();
        if text.contains([',', '"', '\n', '\r']) { write!(f, "\"{}\"", text.replace('"', "\"\"")) } else { f.write_str(&text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut preview = Preview::new(true);
        preview.add("a,b", 0.1 + 0.2, Some("say \"x\""));
        assert_eq!(preview.text(), "row,truth,candidate,production\n0,\"a,b\",0.30000000000000004,\"say \"\"x\"\"\"\n");
    }

    #[test]
    fn it_stays_small() {
        let mut preview = Preview::new(false);
        (0..20_000).for_each(|row| preview.add(row, row, None::<u8>));
        assert_eq!(preview.text().lines().count(), ROWS + 1);
    }
}
