//! Checks the very table that is about to be trained on, against the project's rules and a stored profile of data that was good.
//!
//! Names, types, nulls, ranges, non-finite values, duplicates, row count and drift, in one walk and in memory that does not grow with the rows. The profile is the
//! JSON that `sprag profile` writes, given to the stage as the input `profile`; without it, only what the parameters say is checked. Rows are counted from 0. It
//! deliberately changes nothing: repairing data is the business of whoever delivers it.

mod check;
mod drift;
mod duplicates;
mod judge;
mod params;
mod profile;
mod schema;
mod tally;

pub use check::{Found, Report, check};
pub use drift::{ks, ks_limit, psi, psi_limit};
pub use params::{Drift, Kind, Params, Range};
pub use profile::{Category, ColumnProfile, Profile};
use sprag_sdk::{Failure, SanityCheck, Session, Severity, Table, Verdict, measurement, read_all};

/// The plugin.
pub struct CheckTabular;

impl SanityCheck for CheckTabular {
    type Params = Params;

    fn check(session: &Session, params: Params, data: &Table) -> Result<Verdict, Failure> {
        let profile = session.input("profile").map(|reader| Profile::parse(&read_all(&reader)?)).transpose()?;
        let report = check(data, profile.as_ref(), &params, session)?;
        let measurements: Vec<_> = report.measured.iter().map(|(name, value, split)| measurement(name, *value, split)).collect();
        session.measure(&measurements);
        for found in &report.found {
            session.find(found.severity, found.code, &found.message, found.subject.as_deref());
        }
        let failed = report.found.iter().any(|found| found.severity == Severity::Error);
        Ok(if failed { Verdict::Fail } else { Verdict::Pass })
    }
}

sprag_sdk::sanity_check!(CheckTabular);
