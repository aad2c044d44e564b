//! The exit codes of `sprag`: a promise to scripts and CI systems. A number never changes its meaning.

/// One exit code and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode {
    /// The number that the process ends with.
    pub code: u8,
    /// Its name, as reports and the JSON output spell it.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
}

/// The command did its work. A candidate that is no better than production (`keep`) is a success.
pub const SUCCESS: ExitCode = ExitCode {
    code: 0,
    name: "success",
    meaning: "The command did its work; a candidate that was kept out because it is not better is a success.",
};
/// A fault in sprag itself or in the machine under it.
pub const INTERNAL: ExitCode = ExitCode {
    code: 1,
    name: "internal-error",
    meaning: "A fault in sprag or in the machine under it: storage failed, or a bug.",
};
/// The project file, its data or the command line is wrong.
pub const BAD_PROJECT: ExitCode = ExitCode {
    code: 2,
    name: "bad-project",
    meaning: "The command line, the project file, its data or a component that it names is wrong.",
};
/// A check failed, a unit test failed, or the gate blocked the candidate.
pub const BLOCKED: ExitCode = ExitCode {
    code: 3,
    name: "blocked",
    meaning: "A sanity check or a unit test failed, or the evaluation blocked the candidate; in a release, a smoke test failed or an approver said no.",
};
/// A component asks for more than its stage and its grants allow, or the lockfile forbids the change.
pub const REFUSED: ExitCode = ExitCode {
    code: 4,
    name: "refused",
    meaning: "A component asks for more than its stage and grants allow, or differs from the lockfile.",
};
/// A plugin failed or trapped.
pub const PLUGIN_FAILED: ExitCode =
    ExitCode { code: 5, name: "plugin-failed", meaning: "A plugin reported a failure, trapped, or broke the contract." };
/// A plugin passed one of its limits.
pub const LIMIT: ExitCode = ExitCode {
    code: 6,
    name: "limit-hit",
    meaning: "A plugin passed a limit: memory, time, handles, logs, metrics, findings or artifacts.",
};
/// Another run holds the project, and the caller asked not to wait.
pub const BUSY: ExitCode =
    ExitCode { code: 7, name: "busy", meaning: "Another run holds the project and `--no-wait` was given." };
/// A release waits for approvers: `sprag resume` goes on once they have spoken.
pub const AWAITING_APPROVAL: ExitCode = ExitCode {
    code: 8,
    name: "awaiting-approval",
    meaning: "A release waits for approvers; `sprag resume` goes on once they have spoken.",
};
/// A release failed where it went, and what was there before is back.
pub const ROLLED_BACK: ExitCode =
    ExitCode { code: 9, name: "rolled-back", meaning: "A release failed where it went, and what was there before is back." };
/// What a model sees has moved too far from what it was trained on.
pub const DRIFTED: ExitCode = ExitCode {
    code: 10,
    name: "drifted",
    meaning: "`sprag drift` found that what a model sees has moved as far as the threshold from what it was trained on.",
};
/// The run was cancelled: Ctrl-C or SIGTERM.
pub const CANCELLED: ExitCode = ExitCode { code: 130, name: "cancelled", meaning: "The run was cancelled by Ctrl-C or SIGTERM." };

/// Every exit code, in the order of the table in the documentation.
pub const ALL: [ExitCode; 12] = [
    SUCCESS,
    INTERNAL,
    BAD_PROJECT,
    BLOCKED,
    REFUSED,
    PLUGIN_FAILED,
    LIMIT,
    BUSY,
    AWAITING_APPROVAL,
    ROLLED_BACK,
    DRIFTED,
    CANCELLED,
];

/// The table of exit codes as Markdown, as `docs/reference/exit-codes.md` holds it.
pub fn markdown_table() -> String {
    let rows = ALL.map(|ExitCode { code, name, meaning }| format!("| {code} | `{name}` | {meaning} |\n"));
    format!("| Code | Name | Meaning |\n| --- | --- | --- |\n{}", rows.concat())
}
