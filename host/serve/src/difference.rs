//! How far two models' answers to the same rows lie apart.

use sprag_data::{Column, Field, Values};

/// What one column of two answers comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// The column's name.
    pub(crate) column: String,
    /// Rows that were compared.
    pub(crate) rows: u64,
    /// Rows in which the two do not match.
    pub(crate) mismatches: u64,
    /// For each row of numbers, how far they lie apart, and how far by the larger of the two.
    pub(crate) distances: Vec<(f64, f64)>,
}

impl Difference {
    /// The largest distance.
    pub(crate) fn largest(&self) -> f64 {
        self.distances.iter().map(|(absolute, _)| *absolute).fold(0.0, f64::max)
    }
}

/// Compares the columns that both models give under one name and of one type. Two numbers match where they lie no further apart than `tolerance` times the
/// larger of them; all else where it is equal.
pub(crate) fn differences(
    (fields, answer): (&[Field], &[Column]),
    (other_fields, other_answer): (&[Field], &[Column]),
    tolerance: f64,
) -> Vec<Difference> {
    let mut all = vec![];
    for (field, column) in fields.iter().zip(answer) {
        let same = |(other, _): &(&Field, &Column)| other.name == field.name && other.dtype == field.dtype;
        if let Some((_, other)) = other_fields.iter().zip(other_answer).find(same) {
            all.push(compare(&field.name, &column.values, &other.values, tolerance));
        }
    }
    all
}

fn compare(name: &str, ours: &Values, theirs: &Values, tolerance: f64) -> Difference {
    let mut found = Difference { column: name.to_owned(), rows: 0, mismatches: 0, distances: vec![] };
    match (ours, theirs) {
        (Values::Floats(ours), Values::Floats(theirs)) => {
            ours.iter().zip(theirs).for_each(|(a, b)| found.numbers(*a, *b, tolerance));
        }
        (Values::Integers(ours), Values::Integers(theirs)) => {
            ours.iter().zip(theirs).for_each(|(a, b)| found.numbers(*a as f64, *b as f64, tolerance));
        }
        (Values::Booleans(ours), Values::Booleans(theirs)) => ours.iter().zip(theirs).for_each(|(a, b)| found.equal(a == b)),
        (Values::Texts { .. }, Values::Texts { .. }) => texts(ours).zip(texts(theirs)).for_each(|(a, b)| found.equal(a == b)),
        _ => {}
    }
    found
}

impl Difference {
    fn equal(&mut self, is_equal: bool) {
        self.rows += 1;
        self.mismatches += u64::from(!is_equal);
    }

    fn numbers(&mut self, ours: f64, theirs: f64, tolerance: f64) {
        let absolute = (ours - theirs).abs();
        let larger = ours.abs().max(theirs.abs());
        let relative = if larger > 0.0 { absolute / larger } else { 0.0 };
        self.distances.push((absolute, relative));
        self.equal(relative <= tolerance);
    }
}

/// The texts of a column; none where it is no column of texts.
pub(crate) fn texts(values: &Values) -> impl Iterator<Item = &[u8]> {
    let (bytes, ends) = match values {
        Values::Texts { bytes, ends } => (bytes.as_slice(), ends.as_slice()),
        _ => (&[][..], &[][..]),
    };
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| bytes.get(start as usize..*end as usize).unwrap_or_default())
}

/// The bytes that columns take.
pub(crate) fn size(columns: &[Column]) -> usize {
    let values = |values: &Values| match values {
        Values::Floats(values) => 8 * values.len(),
        Values::Integers(values) => 8 * values.len(),
        Values::Booleans(values) => values.len(),
        Values::Texts { bytes, ends } => bytes.len() + 4 * ends.len(),
    };
    columns.iter().map(|column| values(&column.values) + column.validity.as_ref().map_or(0, Vec::len)).sum()
}

#[cfg(test)]
mod tests {
    use sprag_data::DType;

    use super::*;

    fn field(name: &str, dtype: DType) -> Field {
        Field { name: name.to_owned(), dtype, nullable: false }
    }

    fn column(values: Values) -> Column {
        Column { values, validity: None }
    }

    fn words(words: &[&str]) -> Values {
        let ends = words.iter().scan(0, |end, word| {
            *end += word.len() as u32;
            Some(*end)
        });
        Values::Texts { ends: ends.collect(), bytes: words.concat().into_bytes() }
    }

    #[test]
    fn columns_are_compared_by_name_and_type() {
        let fields = [field("prediction", DType::Float), field("label", DType::Text), field("sure", DType::Boolean)];
        let ours = [
            column(Values::Floats(vec![1.0, 0.0, 100.0])),
            column(words(&["a", "", "b"])),
            column(Values::Booleans(vec![1, 0, 1])),
        ];
        let other_fields = [field("prediction", DType::Float), field("label", DType::Text), field("sure", DType::Integer)];
        let theirs = [
            column(Values::Floats(vec![1.0, 0.0, 101.0])),
            column(words(&["a", "c", "b"])),
            column(Values::Integers(vec![1, 0, 1])),
        ];
        let found = differences((&fields, &ours), (&other_fields, &theirs), 0.001);
        assert_eq!(found.iter().map(|found| found.column.as_str()).collect::<Vec<_>>(), ["prediction", "label"]);
        assert_eq!((found[0].rows, found[0].mismatches, found[0].largest()), (3, 1, 1.0));
        assert_eq!(found[0].distances, [(0.0, 0.0), (0.0, 0.0), (1.0, 1.0 / 101.0)]);
        assert_eq!((found[1].rows, found[1].mismatches), (3, 1));
        let lax = differences((&fields, &ours), (&other_fields, &theirs), 0.01);
        assert_eq!(lax[0].mismatches, 0);
        assert_eq!((size(&ours), size(&theirs)), (24 + 2 + 12 + 3, 24 + 3 + 12 + 24));
    }
}
