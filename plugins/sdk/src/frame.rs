//! A table in memory, for tests, examples and benchmarks outside a host.

use crate::{Batches, Column, Dtype, Failure, Field, Source, TextValues, Values};

/// Named columns of one length.
#[derive(Debug, Clone)]
pub struct Frame {
    fields: Vec<Field>,
    columns: Vec<Column>,
    target: Option<String>,
}

impl Frame {
    /// A table of these columns; types and nullability follow from the values.
    ///
    /// # Panics
    ///
    /// When the columns differ in length: a frame is written by hand, in a test.
    pub fn new<N: Into<String>>(columns: impl IntoIterator<Item = (N, Column)>) -> Self {
        let (mut fields, mut held) = (Vec::new(), Vec::<Column>::new());
        for (name, column) in columns {
            let dtype = match &column.values {
                Values::Floats(_) => Dtype::Float,
                Values::Integers(_) => Dtype::Integer,
                Values::Booleans(_) => Dtype::Boolean,
                Values::Texts(_) => Dtype::Text,
            };
            assert!(held.first().is_none_or(|first| first.len() == column.len()), "columns of one length");
            fields.push(Field { name: name.into(), dtype, nullable: column.first_null().is_some() });
            held.push(column);
        }
        Self { fields, columns: held, target: None }
    }

    /// The same table with a column to predict.
    #[must_use]
    pub fn with_target(mut self, name: &str) -> Self {
        self.target = Some(name.to_owned());
        self
    }

    /// All columns, in the order of the schema.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.fields.iter().position(|field| field.name == name).map(|at| &self.columns[at])
    }

    /// The column of this name, to change in place. Its type and length must stay.
    pub fn column_mut(&mut self, name: &str) -> Option<&mut Column> {
        self.fields.iter().position(|field| field.name == name).map(|at| &mut self.columns[at])
    }

    /// A table of some of the rows, in the order given.
    ///
    /// # Panics
    ///
    /// When a row is not there.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let columns = self.columns.iter().map(|column| take(column, rows)).collect();
        Self { fields: self.fields.clone(), columns, target: self.target.clone() }
    }

    /// A table without one column.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let kept = self.fields.iter().zip(&self.columns).filter(|(field, _)| field.name != name);
        let (fields, columns) = kept.map(|(field, column)| (field.clone(), column.clone())).unzip();
        Self { fields, columns, target: self.target.clone() }
    }

    /// Reads comma-separated values with a header: a column whose every value is empty or a number holds floats, any other holds text. Nothing is quoted.
    pub fn from_csv(text: &str) -> Self {
        let mut lines = text.lines();
        let names: Vec<_> = lines.next().unwrap_or_default().split(',').collect();
        let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
        Self::new(names.iter().enumerate().map(|(at, &name)| {
            let cells: Vec<&str> = rows.iter().map(|row| row.get(at).copied().unwrap_or_default()).collect();
            (name, parse(&cells))
        }))
    }
}

fn parse(cells: &[&str]) -> Column {
    let numbers: Option<Vec<f64>> =
        cells.iter().map(|cell| if cell.is_empty() { Some(0.0) } else { cell.parse().ok() }).collect();
    let validity = cells.contains(&"").then(|| bitmap(cells.iter().map(|cell| !cell.is_empty())));
    match numbers {
        Some(values) => Column { values: Values::Floats(values), validity },
        None => Column { validity, ..Column::texts(cells) },
    }
}

fn bitmap(bits: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, bit) in bits.enumerate() {
        if at % 8 == 0 {
            bytes.push(0);
        }
        bytes[at / 8] |= u8::from(bit) << (at % 8);
    }
    bytes
}

fn take(column: &Column, rows: &[usize]) -> Column {
    let values = match &column.values {
        Values::Floats(values) => Values::Floats(rows.iter().map(|&row| values[row]).collect()),
        Values::Integers(values) => Values::Integers(rows.iter().map(|&row| values[row]).collect()),
        Values::Booleans(values) => Values::Booleans(rows.iter().map(|&row| values[row]).collect()),
        Values::Texts(_) => Column::texts(rows.iter().map(|&row| column.text(row).unwrap_or_default())).values,
    };
    Column { values, validity: column.validity.as_ref().map(|_| bitmap(rows.iter().map(|&row| !column.is_null(row)))) }
}

/// Rows `range` of a column. Cheaper than [`take`], so that a benchmark measures the plugin.
fn slice(column: &Column, range: std::ops::Range<usize>) -> Column {
    let values = match &column.values {
        Values::Floats(values) => Values::Floats(values[range.clone()].to_vec()),
        Values::Integers(values) => Values::Integers(values[range.clone()].to_vec()),
        Values::Booleans(values) => Values::Booleans(values[range.clone()].to_vec()),
        Values::Texts(texts) => {
            let start = range.start.checked_sub(1).map_or(0, |before| texts.ends[before]);
            let end = range.end.checked_sub(1).map_or(0, |last| texts.ends[last]);
            Values::Texts(TextValues {
                bytes: texts.bytes[start as usize..end as usize].to_vec(),
                ends: texts.ends[range.clone()].iter().map(|end| end - start).collect(),
            })
        }
    };
    Column { values, validity: column.validity.as_ref().map(|_| bitmap(range.map(|row| !column.is_null(row)))) }
}

impl Source for Frame {
    fn schema(&self) -> Vec<Field> {
        self.fields.clone()
    }

    fn row_count(&self) -> u64 {
        self.columns.first().map_or(0, Column::len) as u64
    }

    fn target(&self) -> Option<String> {
        self.target.clone()
    }

    fn features(&self) -> Vec<String> {
        let names = self.fields.iter().map(|field| field.name.clone());
        names.filter(|name| Some(name) != self.target.as_ref()).collect()
    }

    fn batches(&self, columns: &[String], batch_rows: u32) -> Result<Batches<'_>, Failure> {
        let mut chosen = Vec::with_capacity(columns.len());
        for name in columns {
            self.find_field(name)?;
            chosen.extend(self.column(name));
        }
        let rows = chosen.first().map_or(0, |column| column.len());
        let step = batch_rows.max(1) as usize;
        Ok(Box::new((0..rows).step_by(step).map(move |start| {
            let range = start..rows.min(start + step);
            Ok(chosen.iter().map(|column| slice(column, range.clone())).collect())
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_becomes_typed_columns() {
        let frame = Frame::from_csv("a,b\n1,x\n,y\n3,");
        assert_eq!(
            frame.schema().iter().map(|field| (field.dtype, field.nullable)).collect::<Vec<_>>(),
            [(Dtype::Float, true), (Dtype::Text, true)]
        );
        assert!(frame.column("a").unwrap().is_null(1));
        assert_eq!(frame.column("b").unwrap().display(2), None);
    }

    #[test]
    fn batches_join_to_the_whole() {
        let frame = Frame::from_csv("n,t\n1,a\n2,\n3,ccc\n4,d\n5,ee");
        let mut seen = Vec::new();
        for batch in frame.batches(&["t".to_owned(), "n".to_owned()], 2).unwrap() {
            let batch = batch.unwrap();
            let cell = |column: usize, row| batch[column].display(row).map(|text| text.into_owned());
            seen.extend((0..batch[0].len()).map(|row| (cell(0, row), cell(1, row))));
        }
        let rows: Vec<_> = seen.iter().map(|(text, number)| (text.as_deref(), number.as_deref())).collect();
        assert_eq!(
            rows,
            [
                (Some("a"), Some("1")),
                (None, Some("2")),
                (Some("ccc"), Some("3")),
                (Some("d"), Some("4")),
                (Some("ee"), Some("5"))
            ]
        );
    }

    #[test]
    fn an_unknown_column_names_the_known() {
        let frame = Frame::from_csv("a,b\n1,2");
        let failure = frame.batches(&["c".to_owned()], 8).map(drop).unwrap_err();
        assert_eq!(failure.message(), "expected a column `c`, found `a`, `b`");
    }
}
