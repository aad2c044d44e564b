//! The one place that writes to the terminal: results to standard output, all else to standard error.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use crate::error::CommandError;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Bold text.
pub(crate) const BOLD: Style = Style::new().bold();
/// Text of less weight.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Something that went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Something to look at.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// Something that went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Writes to the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    color: anstream::ColorChoice,
}

impl Console {
    /// A console that uses colour as asked.
    pub fn new(color: Color) -> Self {
        let color = match color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        Self { color }
    }

    /// Whether standard error is a terminal, on which progress can be drawn.
    pub fn is_live(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// Writes a line of the result.
    pub fn line(&self, text: &str) {
        let mut out = anstream::AutoStream::new(std::io::stdout().lock(), self.color);
        finish(writeln!(out, "{text}"));
    }

    /// Writes a value as indented JSON.
    pub fn json<T: Serialize>(&self, value: &T) {
        let text = serde_json::to_string_pretty(value).expect("records are made of maps with text keys");
        finish(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// Writes a value as one line of JSON.
    pub fn json_line<T: Serialize>(&self, value: &T) {
        let text = serde_json::to_string(value).expect("records are made of maps with text keys");
        let mut out = std::io::stdout().lock();
        finish(writeln!(out, "{text}").and_then(|()| out.flush()));
    }

    /// Writes a line for the person, not for the result.
    pub fn note(&self, text: &str) {
        let mut err = anstream::AutoStream::new(std::io::stderr().lock(), self.color);
        finish(writeln!(err, "{text}"));
    }

    /// Writes an error with its advice.
    pub fn error(&self, error: &CommandError) {
        self.note(&format!("{BAD}error:{BAD:#} {}", error.message));
        for (i, hint) in error.hints.iter().enumerate() {
            let gap = if i == 0 { "\n" } else { "" };
            self.note(&format!("{gap}{BOLD}hint:{BOLD:#} {hint}"));
        }
    }
}

/// Ends quietly when nobody reads any more: `sprag runs | head` is no failure. Other failures to write have nobody to be told to.
fn finish(written: std::io::Result<()>) {
    if let Err(error) = written
        && error.kind() == std::io::ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}
