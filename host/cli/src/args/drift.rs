//! Arguments of `sprag drift`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `sprag drift`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag drift\n  sprag drift diabetes@3 --days 1 --service diabetes-production --json\n  sprag drift --input patients.csv --threshold 0.1\n  sprag drift --run\n\nThe exit code is 10, `drifted`, where any column has drifted, and 2 where there are no rows to look at; with --run it is that of the run."
)]
pub struct DriftArgs {
    /// The version: NAME@NUMBER, NAME@ALIAS or NAME for the newest; @ALIAS or a number for the project's model [default: the version in production].
    #[arg(value_name = "MODEL")]
    pub model: Option<String>,
    /// Look at the rows of a CSV or Parquet file, instead of at what services saw.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["days", "service"])]
    pub input: Option<PathBuf>,
    /// Look at what services saw on so many days (UTC), today included.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Look at what one service saw, by its name in `sprag services`; `serve` for one that was started by hand.
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// The population stability index, less what chance comes to, from which on a column has drifted.
    #[arg(long, value_name = "PSI", default_value_t = 0.25, value_parser = threshold)]
    pub threshold: f64,
    /// Where any column has drifted, run the project's stages: `sprag run` follows at once.
    #[arg(long, conflicts_with = "json")]
    pub run: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

fn threshold(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite() && *value > 0.0);
    value.ok_or_else(|| "expected a number above 0, such as 0.25".to_owned())
}

#[cfg(test)]
mod tests {
    use super::threshold;

    #[test]
    fn a_threshold_is_above_nothing() {
        assert_eq!(threshold("0.1"), Ok(0.1));
        for bad in ["0", "-1", "nan", "inf", "x"] {
            assert!(threshold(bad).is_err(), "{bad}");
        }
    }
}
