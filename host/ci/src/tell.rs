//! What a CI system is told of a run: annotations on the build, and outputs for later steps.

use sprag_schemas::record::{RunOutcome, RunRecord, Severity, TestOutcome};

use crate::System;

/// How much an annotation matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The build fails because of it, or should.
    Error,
    /// Somebody should look.
    Warning,
    /// Worth knowing.
    Notice,
}

/// Something to be shown on the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How much it matters.
    pub level: Level,
    /// What it is about, such as a stage's name.
    pub title: String,
    /// What is to be said.
    pub message: String,
}

/// Something to be told, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A line of standard output.
    Line(String),
    /// Lines at the end of the file that an environment variable names.
    Append {
        /// The variable.
        variable: &'static str,
        /// The lines.
        text: String,
    },
    /// A file in the working folder, in place of what is there.
    File {
        /// Its name.
        name: &'static str,
        /// What is in it.
        text: String,
    },
}

/// What of a run is worth an annotation.
pub fn notes(record: &RunRecord) -> Vec<Note> {
    let note = |level, title: &str, message: &str| Note { level, title: title.to_owned(), message: message.to_owned() };
    let mut notes = vec![];
    for stage in &record.stages {
        for finding in &stage.report.findings {
            let level = match finding.severity {
                Severity::Note => continue,
                Severity::Warning => Level::Warning,
                Severity::Error => Level::Error,
            };
            notes.push(note(level, &stage.name, &format!("{}: {}", finding.code, finding.message)));
        }
        for case in stage.report.test_cases.iter().filter(|case| case.outcome == TestOutcome::Failed) {
            notes.push(note(Level::Error, &stage.name, &format!("{}: {}", case.name, case.message)));
        }
        if let Some(error) = &stage.error {
            notes.push(note(Level::Error, &stage.name, &error.message));
        }
    }
    let level = match record.outcome {
        RunOutcome::Promoted | RunOutcome::Kept | RunOutcome::Succeeded => Level::Notice,
        _ => Level::Error,
    };
    notes.push(note(level, &record.project, &format!("{}: {}", record.outcome.name(), record.reason)));
    notes
}

/// A note in a system's own syntax; none where it has none.
///
/// GitHub: <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>. Azure Pipelines: <https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands>.
pub fn annotation(system: System, note: &Note) -> Option<String> {
    match system {
        System::Github => {
            let command = match note.level {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Notice => "notice",
            };
            let title = github(&note.title).replace(':', "%3A").replace(',', "%2C");
            Some(format!("::{command} title={title}::{}", github(&note.message)))
        }
        System::AzurePipelines => {
            let kind = match note.level {
                Level::Error => "error",
                Level::Warning => "warning",
                Level::Notice => return None,
            };
            Some(format!("##vso[task.logissue type={kind}]{}: {}", azure(&note.title), azure(&note.message)))
        }
        System::Gitlab | System::Jenkins | System::Travis => None,
    }
}

/// What later steps are told of a run, by name.
pub fn outputs(record: &RunRecord) -> Vec<(&'static str, String)> {
    let registered = record.registered.as_ref().map(ToString::to_string).unwrap_or_default();
    let model = record.candidate.as_ref().map(|model| model.digest.clone()).unwrap_or_default();
    vec![
        ("run", record.id.clone()),
        ("decision", record.outcome.name().to_owned()),
        ("model-version", registered),
        ("model-digest", model),
    ]
}

/// Outputs as a system takes them.
pub fn told(system: System, outputs: &[(&'static str, String)]) -> Vec<Told> {
    let one_line = |value: &str| value.replace(['\r', '\n'], " ");
    let variables = || {
        let line = |(name, value): &(&str, String)| {
            format!("SPRAG_{}={}\n", name.to_ascii_uppercase().replace('-', "_"), one_line(value))
        };
        outputs.iter().map(line).collect::<String>()
    };
    match system {
        System::Github => {
            let text = outputs.iter().map(|(name, value)| format!("{name}={}\n", one_line(value))).collect();
            vec![Told::Append { variable: "GITHUB_OUTPUT", text }]
        }
        System::AzurePipelines => {
            let line = |(name, value): &(&str, String)| {
                Told::Line(format!("##vso[task.setvariable variable={name};isOutput=true]{}", azure(value)))
            };
            outputs.iter().map(line).collect()
        }
        // A report of the type `dotenv`, and a file that a shell reads.
        System::Gitlab | System::Jenkins | System::Travis => vec![Told::File { name: "sprag.env", text: variables() }],
    }
}

fn github(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn azure(text: &str) -> String {
    text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A").replace(';', "%3B").replace(']', "%5D")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(message: &str) -> Note {
        Note { level: Level::Error, title: "sanity-check".to_owned(), message: message.to_owned() }
    }

    #[test]
    fn a_note_is_one_line_whatever_a_plugin_says() {
        let hostile = note("50 %\n::set-output name=decision::promoted\r##vso[task.complete]");
        assert_eq!(
            annotation(System::Github, &hostile).unwrap(),
            "::error title=sanity-check::50 %25%0A::set-output name=decision::promoted%0D##vso[task.complete]"
        );
        assert_eq!(
            annotation(System::AzurePipelines, &hostile).unwrap(),
            "##vso[task.logissue type=error]sanity-check: 50 %AZP25%0A::set-output name=decision::promoted%0D##vso[task.complete%5D"
        );
        assert_eq!(annotation(System::Gitlab, &hostile), None);
    }

    #[test]
    fn outputs_come_as_each_system_takes_them() {
        let outputs = [("model-version", "diabetes@3\nPATH=/evil".to_owned())];
        let append = Told::Append { variable: "GITHUB_OUTPUT", text: "model-version=diabetes@3 PATH=/evil\n".to_owned() };
        assert_eq!(told(System::Github, &outputs), [append]);
        let line = "##vso[task.setvariable variable=model-version;isOutput=true]diabetes@3%0APATH=/evil";
        assert_eq!(told(System::AzurePipelines, &outputs), [Told::Line(line.to_owned())]);
        let file = Told::File { name: "sprag.env", text: "SPRAG_MODEL_VERSION=diabetes@3 PATH=/evil\n".to_owned() };
        assert_eq!(told(System::Gitlab, &outputs), [file]);
    }
}
