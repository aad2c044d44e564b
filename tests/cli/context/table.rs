//! A CSV file in memory, to make a bad one of a good one.

use super::root;

/// The header and the rows of a CSV file without quotes.
#[derive(Clone)]
pub(crate) struct Csv {
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Csv {
    /// The data of the diabetes example.
    pub(crate) fn diabetes() -> Self {
        Self::parse(&std::fs::read_to_string(root().join("examples/diabetes/data/diabetes.csv")).unwrap())
    }

    pub(crate) fn parse(text: &str) -> Self {
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        let mut lines = text.lines().map(cells);
        Self { header: lines.next().unwrap(), rows: lines.collect() }
    }

    /// The position of a column.
    pub(crate) fn position(&self, column: &str) -> usize {
        self.header.iter().position(|name| name == column).unwrap()
    }

    /// The same with other values in one column.
    pub(crate) fn map(mut self, column: &str, change: impl Fn(usize, &str) -> String) -> Self {
        let at = self.position(column);
        for (number, row) in self.rows.iter_mut().enumerate() {
            row[at] = change(number, &row[at]);
        }
        self
    }

    /// The same without a column.
    pub(crate) fn without(mut self, column: &str) -> Self {
        let at = self.position(column);
        self.header.remove(at);
        for row in &mut self.rows {
            row.remove(at);
        }
        self
    }

    /// The same with another name for a column.
    pub(crate) fn renamed(mut self, column: &str, name: &str) -> Self {
        let at = self.position(column);
        self.header[at] = name.to_owned();
        self
    }

    /// The file's text.
    pub(crate) fn text(&self) -> String {
        let mut text = self.header.join(",") + "\n";
        for row in &self.rows {
            text += &row.join(",");
            text.push('\n');
        }
        text
    }
}
