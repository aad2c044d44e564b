//! The pipeline of a CI system, as a file of the repository.

use crate::System;

/// What a pipeline is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The project's folder, relative to the repository's.
    pub project: &'a str,
    /// The branch whose commits are trained on.
    pub branch: &'a str,
    /// Whether the project has environments to release to.
    pub has_environments: bool,
}

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Where the system looks for it, relative to the repository.
    pub path: &'static str,
    /// The file.
    pub text: String,
}

/// Writes the pipeline: checks on every change that is proposed, trains and evaluates on the main branch, and releases through the system's own approval where it has one.
pub fn pipeline(system: System, facts: &Facts<'_>) -> Pipeline {
    let (path, text, release) = match system {
        System::Github => {
            (".github/workflows/model.yml", include_str!("templates/github.yml"), include_str!("templates/github-release.yml"))
        }
        System::AzurePipelines => (
            "azure-pipelines.yml",
            include_str!("templates/azure-pipelines.yml"),
            include_str!("templates/azure-pipelines-release.yml"),
        ),
        System::Gitlab => {
            (".gitlab-ci.yml", include_str!("templates/gitlab-ci.yml"), include_str!("templates/gitlab-ci-release.yml"))
        }
        System::Jenkins => ("Jenkinsfile", include_str!("templates/Jenkinsfile"), include_str!("templates/Jenkinsfile-release")),
        System::Travis => (".travis.yml", include_str!("templates/travis.yml"), include_str!("templates/travis-release.yml")),
    };
    let release = if facts.has_environments { release } else { "" };
    let text = match system {
        System::Jenkins => text.replace("@RELEASE@", release),
        _ => format!("{text}{release}"),
    };
    Pipeline { path, text: text.replace("@PROJECT@", facts.project).replace("@BRANCH@", facts.branch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [System; 5] = [System::Github, System::AzurePipelines, System::Gitlab, System::Jenkins, System::Travis];

    #[test]
    fn nothing_is_left_open() {
        for system in ALL {
            for has_environments in [true, false] {
                let written = pipeline(system, &Facts { project: "models/diabetes", branch: "trunk", has_environments });
                for open in ["@PROJECT@", "@BRANCH@", "@RELEASE@"] {
                    assert!(!written.text.contains(open), "{system:?}: {open}");
                }
                assert!(written.text.contains("models/diabetes"), "{system:?}");
                // Jenkins trains on whatever branch it is told to build.
                let is_for_a_branch = system != System::Jenkins || has_environments;
                assert_eq!(written.text.contains("trunk"), is_for_a_branch, "{system:?}");
                assert_eq!(written.text.contains("sprag release"), has_environments, "{system:?}");
            }
        }
    }
}
