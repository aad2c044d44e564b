//! Checks that a table has enough rows and few enough nulls in each column.

use serde::Deserialize;
use sprag_sdk::{Failure, SanityCheck, Session, Severity, Source, Table, Verdict, batch_rows};

/// What the data must be like. `params.schema.json` says the same to sprag.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The fewest rows.
    rows: u64,
    /// The highest share of rows without a value in a column.
    null_share: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rows: 1,
            null_share: 0.0,
        }
    }
}

/// The plugin.
pub struct Check;

impl SanityCheck for Check {
    type Params = Params;

    fn check(session: &Session, params: Params, data: &Table) -> Result<Verdict, Failure> {
        let problems = problems(data, &params)?;
        for (code, message, column) in &problems {
            session.find(Severity::Error, code, message, column.as_deref());
        }
        sprag_sdk::info!(session, "looked at {} rows", data.row_count());
        Ok(if problems.is_empty() {
            Verdict::Pass
        } else {
            Verdict::Fail
        })
    }
}

/// A finding: its code, what was expected and found, and the column.
type Problem = (&'static str, String, Option<String>);

/// What is wrong with the data. It runs over sprag's table and over a `Frame` in a test alike.
fn problems(data: &impl Source, params: &Params) -> Result<Vec<Problem>, Failure> {
    let rows = data.row_count();
    let mut problems = vec![];
    if rows < params.rows {
        let message = format!("expected at least {} rows, found {rows}", params.rows);
        problems.push(("too-few-rows", message, None));
    }
    // A column that holds no null need not be read.
    let nullable = data.schema().into_iter().filter(|field| field.nullable);
    let names: Vec<_> = nullable.map(|field| field.name).collect();
    let mut nulls = vec![0; names.len()];
    for batch in data.batches(&names, batch_rows(names.len()))? {
        for (count, column) in nulls.iter_mut().zip(batch?) {
            *count += column.null_count();
        }
    }
    let most = params.null_share * rows as f64;
    for (name, count) in names
        .into_iter()
        .zip(nulls)
        .filter(|(_, count)| *count as f64 > most)
    {
        let message = format!("expected at most {most} rows without a value, found {count}");
        problems.push(("null-values", message, Some(name)));
    }
    Ok(problems)
}

sprag_sdk::sanity_check!(Check);

#[cfg(test)]
mod tests {
    use sprag_sdk::Frame;

    use super::*;

    #[test]
    fn whole_data_passes() {
        let data = Frame::from_csv("x,y\n1,a\n2,b\n");
        assert!(problems(&data, &Params::default()).unwrap().is_empty());
    }

    #[test]
    fn few_rows_and_nulls_are_found() {
        let data = Frame::from_csv("x,name\n1,a\n,b\n");
        let found = problems(
            &data,
            &Params {
                rows: 3,
                null_share: 0.25,
            },
        )
        .unwrap();
        let codes: Vec<_> = found
            .iter()
            .map(|(code, _, column)| (*code, column.as_deref()))
            .collect();
        assert_eq!(codes, [("too-few-rows", None), ("null-values", Some("x"))]);
    }
}
