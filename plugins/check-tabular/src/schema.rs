//! Names and types: which columns are there, which are missing, and what a missing one may be called now.

use sprag_sdk::{Column, Dtype, Field, Severity, Values};

use crate::{Found, Kind, Params, Profile};

/// A column that is looked at: what was expected, and what is there.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
}

/// The columns that are expected: those of the parameters, or of the profile, or none.
pub(crate) fn expected(params: &Params, profile: Option<&Profile>) -> Vec<Expected> {
    let column = |name: &str, dtype: Kind| Expected { name: name.to_owned(), dtype: dtype.into() };
    if params.columns.is_empty() {
        profile.map_or_else(Vec::new, |profile| profile.columns.iter().map(|found| column(&found.name, found.dtype)).collect())
    } else {
        params.columns.iter().map(|(name, &dtype)| column(name, dtype)).collect()
    }
}

/// Holds the names that are there against those expected.
pub(crate) fn compare_names(expected: &[Expected], actual: &[Field], params: &Params) -> Vec<Found> {
    let ignored = |name: &str| params.ignore.iter().any(|ignored| ignored == name);
    let missing: Vec<_> = expected
        .iter()
        .enumerate()
        .filter(|(_, column)| !ignored(&column.name) && !actual.iter().any(|field| field.name == column.name))
        .collect();
    let unexpected: Vec<_> = actual
        .iter()
        .enumerate()
        .filter(|(_, field)| !ignored(&field.name) && !expected.iter().any(|column| column.name == field.name))
        .collect();
    let mut found = Vec::new();
    for &(at, column) in &missing {
        // The closest name, or else the new column at the old one's place.
        let closest = unexpected
            .iter()
            .map(|(_, field)| (distance(&column.name, &field.name), field))
            .min_by_key(|(distance, _)| *distance);
        let similar = closest.filter(|(distance, _)| *distance <= column.name.chars().count() / 3).map(|(_, field)| *field);
        let in_place =
            unexpected.iter().find(|(place, _)| *place == at && actual.len() == expected.len()).map(|(_, field)| *field);
        let hint = similar.or(in_place).map(|renamed| format!("; the unexpected column `{}` may be its new name", renamed.name));
        let message = format!("expected a column `{}`, found none{}", column.name, hint.unwrap_or_default());
        found.push(Found::new("missing-column", Severity::Error, message, Some(&column.name)));
    }
    // Without any expectation, any column is welcome.
    for (_, field) in unexpected.into_iter().filter(|_| !expected.is_empty()) {
        let severity = if params.allow_unexpected { Severity::Warning } else { Severity::Error };
        let message = format!("expected no column `{}`, found one of type {}", field.name, field.dtype.name());
        found.push(Found::new("unexpected-column", severity, message, Some(&field.name)));
    }
    found
}

/// Whether values of one type may stand where another is expected. Whether floats are whole numbers is told apart while the rows are walked.
pub(crate) fn fits(expected: Dtype, actual: Dtype) -> bool {
    expected == actual
        || matches!(
            (expected, actual),
            (Dtype::Float, Dtype::Integer | Dtype::Boolean) | (Dtype::Integer, Dtype::Float | Dtype::Boolean)
        )
}

/// The first row of a column of the wrong type that shows why, with its value: where numbers are expected, the first text that is none.
pub(crate) fn offending(expected: Dtype, column: &Column) -> Option<(usize, String)> {
    let shows = |row: &usize| match &column.values {
        Values::Texts(_) if expected.is_numeric() => column.text(*row).is_none_or(|text| text.trim().parse::<f64>().is_err()),
        _ => true,
    };
    let row = (0..column.len()).filter(|&row| !column.is_null(row)).find(shows)?;
    column.display(row).map(|value| (row, value.into_owned()))
}

/// The number of letters to insert, remove or replace to get from one name to another (Levenshtein 1965), case aside.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<_>, Vec<_>) = (from.to_lowercase().chars().collect(), to.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replace = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distances() {
        for (from, to, expected) in [("BMI", "bmi", 0), ("kitten", "sitting", 3), ("", "abc", 3), ("S1", "S2", 1)] {
            assert_eq!(distance(from, to), expected, "{from} to {to}");
        }
    }

    #[test]
    fn the_first_text_that_is_no_number() {
        assert_eq!(offending(Dtype::Float, &Column::texts(["1", " 2.5 ", "n/a", "x"])), Some((2, "n/a".to_owned())));
        assert_eq!(offending(Dtype::Text, &Column::floats(vec![1.5])), Some((0, "1.5".to_owned())));
    }
}
