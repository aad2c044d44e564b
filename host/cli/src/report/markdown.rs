//! A run as Markdown, for a pull request or a job's summary page.

use sprag_schemas::record::{RunRecord, Severity, TestOutcome};

use super::facts;
use super::number::{millis, short, signed};

/// The run as Markdown.
pub(crate) fn summary(record: &RunRecord) -> String {
    let mut text = format!("## {}: {}\n\n{}\n", cell(&record.project), facts::verdict(record.outcome), cell(&record.reason));
    let compared = facts::compared(record);
    if !compared.is_empty() {
        let production = record.production.as_ref().map_or_else(|| "production".to_owned(), ToString::to_string);
        text += &format!("\n| Metric | Candidate | {} | Difference |\n| --- | ---: | ---: | ---: |\n", cell(&production));
        for metric in compared {
            let (value, difference) = match metric.production {
                Some(value) => (short(value), signed(metric.candidate - value)),
                None => ("none".to_owned(), String::new()),
            };
            text += &format!("| {} | {} | {value} | {difference} |\n", cell(&metric.name), short(metric.candidate));
        }
    }
    text += "\n| Stage | Plugin | Status | Time | Reason |\n| --- | --- | --- | ---: | --- |\n";
    for stage in &record.stages {
        let time = if stage.cached_from.is_some() { "cached".to_owned() } else { millis(stage.duration_ms) };
        let plugin = format!("{} {}", stage.plugin.name, stage.plugin.version);
        text += &format!(
            "| {} | {} | {} | {time} | {} |\n",
            cell(&stage.name),
            cell(&plugin),
            stage.status.name(),
            cell(&stage.reason)
        );
    }
    text += &findings(record);
    text += &lineage(record);
    text
}

fn findings(record: &RunRecord) -> String {
    let mut lines = String::new();
    for stage in &record.stages {
        for finding in stage.report.findings.iter().filter(|finding| finding.severity != Severity::Note) {
            lines += &format!("- `{}` {}: {}\n", cell(&stage.name), cell(&finding.code), cell(&finding.message));
        }
        for case in stage.report.test_cases.iter().filter(|case| case.outcome == TestOutcome::Failed) {
            lines += &format!("- `{}` {}: {}\n", cell(&stage.name), cell(&case.name), cell(&case.message));
        }
    }
    if lines.is_empty() { lines } else { format!("\n### Findings\n\n{lines}") }
}

fn lineage(record: &RunRecord) -> String {
    let mut rows = vec![("Run", record.id.clone())];
    if let Some(registered) = &record.registered {
        rows.push(("Registered", registered.to_string()));
    }
    if let Some(trained) = facts::trained(record) {
        rows.push(("Trained", trained));
    }
    if let Some(data) = &record.data {
        rows.push(("Data", data.file_digest.clone()));
    }
    if let Some(commit) = &record.origin.git_commit {
        let dirty = if record.origin.git_dirty == Some(true) { ", with changes that are not committed" } else { "" };
        rows.push(("Commit", format!("{commit}{dirty}")));
    }
    let rows: String = rows.iter().map(|(name, value)| format!("- {name}: {}\n", cell(value))).collect();
    format!("\n{rows}")
}

/// Text that cannot break out of a table cell or pass for markup: plugins and users write parts of it.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => safe.push(' '),
            '|' | '<' | '>' | '[' | ']' | '*' | '_' | '#' | '\\' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    #[test]
    fn markup_in_a_plugins_words_stays_text() {
        assert_eq!(super::cell("a | b\n# <script>[x](y)"), "a \\| b \\# \\<script\\>\\[x\\](y)");
    }
}
