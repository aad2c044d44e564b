//! Where a run comes from: the user, the commit, the CI build.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use sprag_schemas::record::Origin;

/// Where a command comes from: the user, the commit that the project stands at, the CI build.
pub fn origin(root: &Path) -> Origin {
    find(root)
}

/// The origin of a run, found while the run goes on: asking git takes as long as a small run.
pub(crate) struct PendingOrigin(JoinHandle<Origin>);

impl PendingOrigin {
    /// Starts to look, in the folder of the project.
    pub(crate) fn start(root: &Path) -> Self {
        let root = root.to_owned();
        Self(std::thread::spawn(move || find(&root)))
    }

    /// Waits for the answer.
    pub(crate) fn wait(self) -> Origin {
        self.0.join().unwrap_or_default()
    }
}

fn find(root: &Path) -> Origin {
    let variable = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let (git_commit, git_dirty) = git(root).unzip();
    Origin {
        by: variable(&["SPRAG_USER", "GITHUB_ACTOR", "BUILD_REQUESTEDFOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME"])
            .or_else(account)
            .unwrap_or_else(|| "unknown".to_owned()),
        sprag_version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit,
        git_dirty,
        build_id: variable(&[
            "SPRAG_BUILD_ID",
            "GITHUB_RUN_ID",
            "BUILD_BUILDID",
            "CI_PIPELINE_ID",
            "TRAVIS_BUILD_ID",
            "BUILD_ID",
        ]),
        build_uri: build_uri(&variable),
    }
}

/// The name of the account that the process runs under, where no variable says it: containers and cron set none.
fn account() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    // Fields of passwd(5): name, password, user id.
    accounts.lines().find(|line| line.split(':').nth(2) == Some(uid.as_str()))?.split(':').next().map(str::to_owned)
}

/// The address of the build, from what GitHub Actions, Azure Pipelines, GitLab, Travis and Jenkins set.
fn build_uri(variable: &impl Fn(&[&str]) -> Option<String>) -> Option<String> {
    let one = |name: &str| variable(&[name]);
    let github =
        || Some(format!("{}/{}/actions/runs/{}", one("GITHUB_SERVER_URL")?, one("GITHUB_REPOSITORY")?, one("GITHUB_RUN_ID")?));
    let azure = || {
        let (collection, project, build) = (one("SYSTEM_COLLECTIONURI")?, one("SYSTEM_TEAMPROJECT")?, one("BUILD_BUILDID")?);
        Some(format!("{collection}{project}/_build/results?buildId={build}"))
    };
    one("SPRAG_BUILD_URI")
        .or_else(github)
        .or_else(azure)
        .or_else(|| variable(&["CI_PIPELINE_URL", "TRAVIS_BUILD_WEB_URL", "BUILD_URL"]))
}

/// The commit and whether the work tree differs from it; none outside a repository, or where there is no git.
fn git(root: &Path) -> Option<(String, bool)> {
    // No optional locks: a run must not disturb a rebase or another git in the same repository.
    let output = Command::new("git")
        .args(["--no-optional-locks", "status", "--porcelain=v2", "--branch"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let commit = text.lines().find_map(|line| line.strip_prefix("# branch.oid "))?;
    let dirty = text.lines().any(|line| !line.starts_with('#'));
    (commit != "(initial)").then(|| (commit.to_owned(), dirty))
}
