//! Arguments of `sprag score`.

use std::path::PathBuf;

use clap::Args;
use sprag_batch::Tolerance;

/// Arguments of `sprag score`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag score diabetes@production --input patients.parquet --output scored.parquet\n  sprag score diabetes@3 -i patients.csv -o scored.csv --max-errors 1% --columns id --json\n\nA job that was stopped goes on where it was when it is run again."
)]
pub struct ScoreArgs {
    /// The version: NAME@NUMBER, NAME@ALIAS or NAME for the newest; @ALIAS or a number for the project's model.
    #[arg(value_name = "MODEL")]
    pub model: String,
    /// The file to score: CSV or Parquet, by its extension.
    #[arg(long, short, value_name = "FILE")]
    pub input: PathBuf,
    /// The file to make: the columns of the input and, after them, the outputs of the model. CSV or Parquet, by its extension.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// The CSV file for rows that cannot be scored, made where there are any [default: the output's name with `.rejects.csv`].
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// How many rows may be refused before the job fails: a number or a percentage.
    #[arg(long, value_name = "N|N%", default_value = "0")]
    pub max_errors: Tolerance,
    /// The columns of the input to write again: `all`, `none`, or names with commas between them.
    #[arg(long, value_name = "COLUMNS", default_value = "all")]
    pub columns: String,
    /// What to put before the names of the model's outputs.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub prefix: String,
    /// The character between the fields of a CSV input [default: a comma, or a tab for `.tsv`].
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<char>,
    /// How many threads work [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
    /// How many rows are read, scored and written at a time [default: what suits the number of columns].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pub batch_rows: Option<u32>,
    /// Replace the output where it is there already.
    #[arg(long)]
    pub force: bool,
    /// Begin anew where an earlier attempt was stopped.
    #[arg(long)]
    pub restart: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}
