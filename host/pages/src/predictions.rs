//! The first predictions of an evaluation, as its stage left them in `predictions.csv`.

use std::collections::BTreeMap;

/// The name of the artifact.
pub const ARTIFACT: &str = "predictions.csv";

/// A row: truth, candidate, and production where there is one.
pub type Row = (f64, f64, Option<f64>);

/// The truth and what the models said of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Predictions {
    /// Of numbers.
    Numbers(Vec<Row>),
    /// Of classes: how often which truth was taken for which class by the candidate.
    Classes(BTreeMap<(String, String), u64>),
}

impl Predictions {
    /// Reads the file; none where it is not what an evaluation leaves.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let header = lines.next()?;
        if header != "row,truth,candidate" && header != "row,truth,candidate,production" {
            return None;
        }
        let rows: Vec<Vec<String>> = lines.map(fields).collect::<Option<_>>()?;
        let number = |text: &String| text.parse::<f64>().ok();
        let numbers = rows.iter().map(|row| Some((number(row.get(1)?)?, number(row.get(2)?)?, row.get(3).and_then(number))));
        if let Some(numbers) = numbers.collect::<Option<Vec<_>>>() {
            return Some(Self::Numbers(numbers));
        }
        let mut classes = BTreeMap::new();
        for row in &rows {
            *classes.entry((row.get(1)?.clone(), row.get(2)?.clone())).or_insert(0) += 1;
        }
        Some(Self::Classes(classes))
    }
}

/// The fields of a line of RFC 4180; none where a quote does not end. A field with a line break in it is none of what is shown.
fn fields(line: &str) -> Option<Vec<String>> {
    let (mut fields, mut field, mut quoted) = (vec![], String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    (!quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_classes_are_told_apart() {
        let numbers = Predictions::read("row,truth,candidate,production\n0,1,1.5,2\n1,2,2.5,\n").unwrap();
        assert_eq!(numbers, Predictions::Numbers(vec![(1.0, 1.5, Some(2.0)), (2.0, 2.5, None)]));
        let classes = Predictions::read("row,truth,candidate\n0,\"a,b\",c\n1,\"a,b\",\"say \"\"x\"\"\"\n").unwrap();
        let key = |truth: &str, said: &str| (truth.to_owned(), said.to_owned());
        assert_eq!(classes, Predictions::Classes([(key("a,b", "c"), 1), (key("a,b", "say \"x\""), 1)].into()));
    }

    #[test]
    fn another_file_is_none() {
        for text in ["", "a,b\n1,2\n", "row,truth,candidate\n0,\"1,2\n", "row,truth,candidate\n0\n"] {
            assert_eq!(Predictions::read(text), None, "{text:?}");
        }
    }
}
