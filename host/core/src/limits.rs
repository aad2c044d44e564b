//! The limits of a stage, with every default in one place.

use std::time::Duration;

use sprag_schemas::manifest;
use sprag_schemas::quantity::{ByteSize, TimeSpan};

/// What one stage may use. Each limit that is hit fails the stage with an error that names the limit's key.
///
/// Not limited: the host memory of the project's own tables, which the host holds once for all stages, and the processor time of the
/// host's own work on a guest's behalf, which counts as the stage's wall time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of the component in bytes.
    pub memory: u64,
    /// Wall time of one attempt.
    pub time: Duration,
    /// Host handles held at once.
    pub handles: u32,
    /// Bytes that one call into the host may carry.
    pub call: u64,
    /// Total bytes of log messages and fields.
    pub logs: u64,
    /// Bytes of standard output and error that are kept.
    pub stderr: u64,
    /// Number of measurements.
    pub metrics: u32,
    /// Number of findings.
    pub findings: u32,
    /// Total bytes of artifacts.
    pub artifacts: u64,
    /// Bytes of model state.
    pub model: u64,
    /// Bytes on disk of a script.
    pub disk: u64,
    /// Processes and threads of a script.
    pub processes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 2 << 30,
            time: Duration::from_secs(600),
            handles: 10_000,
            call: 128 << 20,
            logs: 1 << 20,
            stderr: 64 << 10,
            metrics: 10_000,
            findings: 1000,
            artifacts: 1 << 30,
            model: 4 << 30,
            disk: 1 << 30,
            processes: 256,
        }
    }
}

impl Limits {
    /// The limits with those of a `[limits]` table put over them.
    #[must_use]
    pub fn with(mut self, over: &manifest::Limits) -> Self {
        let manifest::Limits { memory, time, handles, call, logs, stderr, metrics, findings, artifacts, model, disk, processes } =
            over;
        let sizes = [
            (&mut self.memory, memory),
            (&mut self.call, call),
            (&mut self.logs, logs),
            (&mut self.stderr, stderr),
            (&mut self.artifacts, artifacts),
            (&mut self.model, model),
            (&mut self.disk, disk),
        ];
        for (limit, over) in sizes {
            *limit = over.map_or(*limit, |ByteSize(bytes)| bytes);
        }
        let counts = [
            (&mut self.handles, handles),
            (&mut self.metrics, metrics),
            (&mut self.findings, findings),
            (&mut self.processes, processes),
        ];
        for (limit, over) in counts {
            *limit = over.unwrap_or(*limit);
        }
        self.time = time.map_or(self.time, |TimeSpan(span)| span);
        self
    }

    /// The limits as `key = value`, for a plan that people read. Those of scripts alone are left out where the stage runs none.
    pub fn lines(&self, runs_scripts: bool) -> Vec<String> {
        let size = |key: &str, bytes: u64| format!("{key}={}", ByteSize(bytes));
        let mut lines = vec![
            size("memory", self.memory),
            format!("time={}", TimeSpan(self.time)),
            format!("handles={}", self.handles),
            size("call", self.call),
            size("logs", self.logs),
            size("stderr", self.stderr),
            format!("metrics={}", self.metrics),
            format!("findings={}", self.findings),
            size("artifacts", self.artifacts),
            size("model", self.model),
        ];
        if runs_scripts {
            lines.extend([size("disk", self.disk), format!("processes={}", self.processes)]);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_overrides_the_project_and_the_project_the_defaults() {
        let project = manifest::Limits { memory: Some(ByteSize(1 << 20)), metrics: Some(5), ..Default::default() };
        let stage = manifest::Limits { metrics: Some(7), ..Default::default() };
        let limits = Limits::default().with(&project).with(&stage);
        assert_eq!((limits.memory, limits.metrics, limits.handles), (1 << 20, 7, 10_000));
    }
}
