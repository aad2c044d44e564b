//! CI systems: the pipeline of one that runs a project, and what it is told of a run in its own syntax.
//!
//! Nothing is written here: what comes back is text, and where it belongs.

mod pipeline;
mod tell;

pub use pipeline::{Facts, Pipeline, pipeline};
pub use tell::{Level, Note, Told, annotation, notes, outputs, told};

/// A CI system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// GitHub Actions.
    Github,
    /// Azure Pipelines.
    AzurePipelines,
    /// GitLab CI.
    Gitlab,
    /// Jenkins.
    Jenkins,
    /// Travis CI.
    Travis,
}

impl System {
    /// The system that this process runs under, by the variables that each sets.
    pub fn found(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let marks = [
            ("GITHUB_ACTIONS", Self::Github),
            ("TF_BUILD", Self::AzurePipelines),
            ("GITLAB_CI", Self::Gitlab),
            ("JENKINS_URL", Self::Jenkins),
            ("TRAVIS", Self::Travis),
        ];
        marks.into_iter().find(|(name, _)| variable(name).is_some_and(|value| !value.is_empty())).map(|(_, system)| system)
    }
}

#[cfg(test)]
mod tests {
    use super::System;

    #[test]
    fn a_system_is_known_by_its_variables() {
        let found = |name: &'static str| System::found(move |asked| (asked == name).then(|| "true".to_owned()));
        assert_eq!(found("GITHUB_ACTIONS"), Some(System::Github));
        assert_eq!(found("TF_BUILD"), Some(System::AzurePipelines));
        assert_eq!(found("CI"), None);
    }
}
