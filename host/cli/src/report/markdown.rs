//! A run as Markdown, for a pull request or a job's summary page.

use sprag_schemas::record::{RunRecord, Severity, StageRecord, StageStatus, TestOutcome};

use super::number::{millis, short, signed};
use super::{drift, facts};

/// How many columns are listed by their drift.
const MOST_COLUMNS: usize = 5;

/// The run as Markdown.
pub(crate) fn summary(record: &RunRecord) -> String {
    let head = format!("## {}: {}\n\n{}\n", cell(&record.project), facts::verdict(record.outcome), cell(&record.reason));
    let stages: String = record.stages.iter().map(stage).collect();
    let stages = format!("\n| Stage | Plugin | Status | Time | Reason |\n| --- | --- | --- | ---: | --- |\n{stages}");
    [head, metrics(record), stages, findings(record), drift(record), grants(record), lineage(record)].concat()
}

/// The columns that are furthest from those of the stored profile.
fn drift(record: &RunRecord) -> String {
    let columns = drift::columns(record);
    if columns.is_empty() {
        return String::new();
    }
    let row =
        |column: &drift::Column| format!("| {} | {} | {} |\n", cell(&column.name), short(column.psi), drift::verdict(column.psi));
    let rows: String = columns.iter().take(MOST_COLUMNS).map(row).collect();
    let more = columns.len().saturating_sub(MOST_COLUMNS);
    let more = if more > 0 { format!("\nCloser than these: {more}.\n") } else { String::new() };
    format!("\n### Drift\n\n| Column | PSI | |\n| --- | ---: | --- |\n{rows}{more}")
}

/// What the stages may do beyond the handles of their kind.
fn grants(record: &RunRecord) -> String {
    let granted = record.stages.iter().filter(|stage| !stage.plugin.grants.is_empty());
    let item = |stage: &StageRecord| {
        format!("- `{}` ({}): {}\n", cell(&stage.name), cell(&stage.plugin.name), cell(&stage.plugin.grants.join(", ")))
    };
    let items: String = granted.map(item).collect();
    let items = if items.is_empty() { "No stage may do anything beyond what its kind is handed.\n".to_owned() } else { items };
    format!("\n### Grants\n\n{items}")
}

/// What the run took: the time of its stages, and how many needed none.
fn cost(record: &RunRecord) -> String {
    let began = record.stages.iter().filter(|stage| stage.status != StageStatus::Skipped);
    let (mut time, mut all, mut cached) = (0.0, 0, 0);
    for stage in began {
        time += stage.duration_ms;
        all += 1;
        cached += usize::from(stage.cached_from.is_some());
    }
    let memory = record.stages.iter().flat_map(|stage| &stage.report.processes).filter_map(|process| process.peak_memory).max();
    let memory = memory.map(|bytes| format!(", scripts held up to {} MiB", bytes >> 20)).unwrap_or_default();
    format!("{} of computing, {cached} of {all} stages from the cache{memory}", millis(time))
}

fn metrics(record: &RunRecord) -> String {
    let compared = facts::compared(record);
    if compared.is_empty() {
        return String::new();
    }
    let production = record.production.as_ref().map_or_else(|| "production".to_owned(), ToString::to_string);
    let row = |metric: &facts::Compared| {
        let (value, difference) = match metric.production {
            Some(value) => (short(value), signed(metric.candidate - value)),
            None => ("none".to_owned(), String::new()),
        };
        format!("| {} | {} | {value} | {difference} |\n", cell(&metric.name), short(metric.candidate))
    };
    let rows: String = compared.iter().map(row).collect();
    format!("\n| Metric | Candidate | {} | Difference |\n| --- | ---: | ---: | ---: |\n{rows}", cell(&production))
}

fn stage(stage: &StageRecord) -> String {
    let time = match (stage.status, &stage.cached_from) {
        (StageStatus::Skipped, _) => String::new(),
        (_, Some(_)) => "cached".to_owned(),
        (_, None) => millis(stage.duration_ms),
    };
    let plugin = format!("{} {}", stage.plugin.name, stage.plugin.version);
    format!("| {} | {} | {} | {time} | {} |\n", cell(&stage.name), cell(&plugin), stage.status.name(), cell(&stage.reason))
}

fn findings(record: &RunRecord) -> String {
    let item =
        |stage: &StageRecord, what: &str, message: &str| format!("- `{}` {}: {}\n", cell(&stage.name), cell(what), cell(message));
    let of_stage = |stage: &StageRecord| -> String {
        let findings = stage.report.findings.iter().filter(|finding| finding.severity != Severity::Note);
        let findings = findings.map(|finding| item(stage, &finding.code, &finding.message));
        let cases = stage.report.test_cases.iter().filter(|case| case.outcome == TestOutcome::Failed);
        findings.chain(cases.map(|case| item(stage, &case.name, &case.message))).collect()
    };
    let items: String = record.stages.iter().map(of_stage).collect();
    if items.is_empty() { items } else { format!("\n### Findings\n\n{items}") }
}

fn lineage(record: &RunRecord) -> String {
    let mut rows = vec![("Run", record.id.clone()), ("Cost", cost(record))];
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
