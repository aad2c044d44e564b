//! The Python to compare with.

use std::path::Path;
use std::process::{Command, Stdio};

/// A Python, with the packages that it can import.
pub(crate) struct Python {
    program: String,
    packages: Vec<&'static str>,
}

impl Python {
    /// Looks at the Python that `SPRAG_BENCH_PYTHON` names, else at `python3`.
    pub(crate) fn find() -> Self {
        let program = std::env::var("SPRAG_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let has = |package: &&'static str| {
            let import = Command::new(&program)
                .args(["-c", &format!("import {package}")])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            import.is_ok_and(|status| status.success())
        };
        let packages = ["sklearn", "pandas", "pyarrow", "polars"].into_iter().filter(|package| has(package)).collect();
        Self { program, packages }
    }

    /// The program.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    pub(crate) fn has(&self, package: &str) -> bool {
        self.packages.contains(&package)
    }

    pub(crate) fn describe(&self) -> String {
        format!(
            "{} with {}",
            self.program,
            if self.packages.is_empty() { "none of the packages".to_owned() } else { self.packages.join(", ") }
        )
    }

    /// Runs a script file as a whole process.
    pub(crate) fn script(&self, script: &Path, arguments: &[&Path]) {
        let status = Command::new(&self.program).arg(script).args(arguments).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "the script {} failed", script.display());
    }

    /// Runs a snippet that prints seconds, and gives the median of what it printed.
    pub(crate) fn seconds(&self, code: &str) -> Option<f64> {
        let output = Command::new(&self.program).args(["-c", code]).stderr(Stdio::inherit()).output().ok()?;
        let mut seconds: Vec<f64> =
            String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|word| word.parse().ok()).collect();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied()
    }
}
