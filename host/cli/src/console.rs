//! The one place that writes to the terminal: results to standard output, all else to standard error.

use std::borrow::Cow;
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
    /// Whether a CI system reads along that takes `##vso[` anywhere in a line for a command.
    is_read_by_azure: bool,
}

impl Console {
    /// A console that uses colour as asked.
    pub fn new(color: Color) -> Self {
        let color = match color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        Self { color, is_read_by_azure: false }
    }

    /// The same where Azure Pipelines reads along.
    #[must_use]
    pub const fn read_by_azure(self) -> Self {
        Self { is_read_by_azure: true, ..self }
    }

    /// Writes a line that is meant for the CI system which reads along, as it is.
    pub fn command(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        ignore(writeln!(out, "{text}").and_then(|()| out.flush()));
    }

    /// The text without what a CI system takes for a command: plugins have their words in it.
    fn guarded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let tamed = tamed(text);
        if self.is_read_by_azure && tamed.contains("##") { Cow::Owned(tamed.replace("##", "# #")) } else { tamed }
    }

    /// Whether standard error is a terminal, on which progress can be drawn.
    pub fn is_live(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// Writes a line of the result.
    pub fn line(&self, text: &str) {
        let mut out = anstream::AutoStream::new(std::io::stdout().lock(), self.color);
        ignore(writeln!(out, "{}", self.guarded(text)));
    }

    /// Writes a value as indented JSON.
    pub fn json<T: Serialize>(&self, value: &T) {
        let text = serde_json::to_string_pretty(value).expect("records are made of maps with text keys");
        ignore(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// Writes a value as one line of JSON.
    pub fn json_line<T: Serialize>(&self, value: &T) {
        let text = serde_json::to_string(value).expect("records are made of maps with text keys");
        let mut out = std::io::stdout().lock();
        ignore(writeln!(out, "{text}").and_then(|()| out.flush()));
    }

    /// Writes a line for the person, not for the result.
    pub fn note(&self, text: &str) {
        let mut err = anstream::AutoStream::new(std::io::stderr().lock(), self.color);
        ignore(writeln!(err, "{}", self.guarded(text)));
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

/// A failure to write has nobody to be told to. Above all it must not end a run in the midst of it: `sprag run | head` goes on.
fn ignore(_written: std::io::Result<()>) {}

/// A text in which nothing but colour acts on a terminal: plugins and data have their words in messages, and a sequence that moves the
/// cursor or turns the direction of writing could make a message say something else than it does.
pub(crate) fn tamed(text: &str) -> Cow<'_, str> {
    const IS_TURNING: fn(char) -> bool = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let acts = |c: char| (c.is_control() && c != '\n' && c != '\t') || IS_TURNING(c);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len());
    for (i, c) in text.char_indices() {
        if acts(c) && !(c == '\u{1b}' && is_colour(&text[i + 1..])) {
            tamed.extend(c.escape_default());
        } else {
            tamed.push(c);
        }
    }
    Cow::Owned(tamed)
}

/// Whether what follows an escape sets colour or weight, and nothing else: digits and semicolons between `[` and `m`.
fn is_colour(rest: &str) -> bool {
    let end = rest.find(|c: char| c != '[' && c != ';' && !c.is_ascii_digit());
    rest.starts_with('[') && end.is_some_and(|end| rest[end..].starts_with('m') && !rest[1..end].contains('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colour_passes() {
        let styled = format!("{BOLD}a{BOLD:#} {BAD}b{BAD:#}\tc\n");
        assert_eq!(tamed(&styled), styled);
        assert_eq!(tamed("a\r\u{1b}[2Kb\u{1b}]0;t\u{7}\u{1b}"), "a\\r\\u{1b}[2Kb\\u{1b}]0;t\\u{7}\\u{1b}");
        assert_eq!(tamed("\u{202e}desrever"), "\\u{202e}desrever");
    }
}
