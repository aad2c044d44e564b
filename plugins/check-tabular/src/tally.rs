//! What is counted of one column while the rows are walked.

use std::collections::BTreeMap;

use sprag_sdk::{Column, Dtype, Values};

use crate::{ColumnProfile, Params, Range, drift::Histogram, schema};

/// Rows that break a rule: how many, and the first with its value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offences {
    pub(crate) count: u64,
    pub(crate) first: Option<(u64, String)>,
}

impl Offences {
    fn add(&mut self, row: u64, value: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some((row, value()));
        }
    }
}

/// The counts of one column.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) name: String,
    pub(crate) expected: Dtype,
    pub(crate) actual: Dtype,
    pub(crate) range: Option<(f64, f64)>,
    pub(crate) rows: u64,
    pub(crate) nulls: Offences,
    pub(crate) wrong_type: Offences,
    pub(crate) fractions: Offences,
    pub(crate) non_finite: Offences,
    pub(crate) outside: Offences,
    pub(crate) histogram: Option<Histogram>,
    /// The counts of the values that the profile lists.
    pub(crate) categories: Option<BTreeMap<String, u64>>,
    /// Rows with any other value.
    pub(crate) others: Offences,
}

impl Tally {
    /// Nothing yet, of a column that is `actual`ly of this type.
    pub(crate) fn new(name: &str, expected: Dtype, actual: Dtype, profile: Option<&ColumnProfile>, params: &Params) -> Self {
        let numeric = actual.is_numeric() && matches!(expected, Dtype::Float | Dtype::Integer);
        let of_profile = || {
            let (min, max) = profile.and_then(|profile| profile.min.zip(profile.max))?;
            let margin = params.range_margin * (max - min);
            Some((min - margin, max + margin))
        };
        let given = |range: &Range| (range.min.unwrap_or(f64::NEG_INFINITY), range.max.unwrap_or(f64::INFINITY));
        let histogram = profile.filter(|profile| numeric && params.drift.enabled && !profile.quantiles.is_empty());
        let categories =
            profile.filter(|profile| !numeric && params.drift.enabled && expected == actual && !profile.categories.is_empty());
        Self {
            name: name.to_owned(),
            expected,
            actual,
            range: params.ranges.get(name).map(given).or_else(of_profile).filter(|_| numeric),
            rows: 0,
            nulls: Offences::default(),
            wrong_type: Offences::default(),
            fractions: Offences::default(),
            non_finite: Offences::default(),
            outside: Offences::default(),
            histogram: histogram.map(|profile| Histogram::new(&profile.quantiles)),
            categories: categories.map(|profile| profile.categories.iter().map(|category| (category.value.clone(), 0)).collect()),
            others: Offences::default(),
        }
    }

    /// Counts a batch.
    pub(crate) fn add(&mut self, column: &Column) {
        let offset = self.rows;
        self.rows += column.len() as u64;
        if column.validity.is_some() {
            for row in (0..column.len()).filter(|&row| column.is_null(row)) {
                self.nulls.add(offset + row as u64, || "no value".to_owned());
            }
        }
        if !schema::fits(self.expected, self.actual) {
            if self.wrong_type.first.is_none()
                && let Some((row, value)) = schema::offending(self.expected, column)
            {
                self.wrong_type.add(offset + row as u64, || value);
            }
            return;
        }
        match &column.values {
            Values::Texts(_) | Values::Booleans(_) if self.categories.is_some() => self.add_categories(column, offset),
            Values::Texts(_) => {}
            _ if self.actual == Dtype::Timestamp => {}
            _ => self.add_numbers(column, offset),
        }
    }

    fn add_numbers(&mut self, column: &Column, offset: u64) {
        let whole = self.expected == Dtype::Integer && self.actual == Dtype::Float;
        let (low, high) = self.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        for (at, &value) in column.numbers().iter().flat_map(|values| values.iter()).enumerate() {
            let row = offset + at as u64;
            if !value.is_finite() {
                // A null reads as NaN; it was counted.
                if !column.is_null(at) {
                    self.non_finite.add(row, || value.to_string());
                }
                continue;
            }
            if value < low || value > high {
                self.outside.add(row, || value.to_string());
            }
            if whole && value.fract() != 0.0 {
                self.fractions.add(row, || value.to_string());
            }
            if let Some(histogram) = &mut self.histogram {
                histogram.add(value);
            }
        }
    }

    fn add_categories(&mut self, column: &Column, offset: u64) {
        let Some(categories) = &mut self.categories else { return };
        for row in (0..column.len()).filter(|&row| !column.is_null(row)) {
            let value = column.display(row).unwrap_or_default();
            match categories.get_mut(&*value) {
                Some(count) => *count += 1,
                None => self.others.add(offset + row as u64, || value.into_owned()),
            }
        }
    }
}
