//! `sprag:run/context`

use sprag_schemas::record;
use wasmtime::component::Resource;

use crate::bindings::sprag::run::context::{Finding, Host, HostSession, Level, Measurement, Severity};
use crate::blobs::ReaderHandle;
use crate::session::SessionHandle;
use crate::state::StageState;

impl Host for StageState {}

impl HostSession for StageState {
    fn seed(&mut self, session: Resource<SessionHandle>) -> wasmtime::Result<u64> {
        Ok(self.handles.get(&session)?.0.seed)
    }

    fn params_json(&mut self, session: Resource<SessionHandle>) -> wasmtime::Result<String> {
        Ok(self.handles.get(&session)?.0.params_json.clone())
    }

    fn input(&mut self, session: Resource<SessionHandle>, name: String) -> wasmtime::Result<Option<Resource<ReaderHandle>>> {
        let input = self.handles.get(&session)?.0.inputs.get(&name).cloned();
        input.map(|input| self.push(input)).transpose()
    }

    fn log(
        &mut self,
        session: Resource<SessionHandle>,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let level = match level {
            Level::Debug => record::LogLevel::Debug,
            Level::Info => record::LogLevel::Info,
            Level::Warn => record::LogLevel::Warn,
            Level::Error => record::LogLevel::Error,
        };
        let line = record::LogLine { level, message, fields: fields.into_iter().collect() };
        Ok(self.handles.get(&session)?.0.log(line)?)
    }

    fn measure(&mut self, session: Resource<SessionHandle>, batch: Vec<Measurement>) -> wasmtime::Result<()> {
        let metric = |Measurement { name, value, step, split }| record::Metric { name, value, step, split };
        Ok(self.handles.get(&session)?.0.measure(batch.into_iter().map(metric).collect())?)
    }

    fn report(&mut self, session: Resource<SessionHandle>, finding: Finding) -> wasmtime::Result<()> {
        let severity = match finding.severity {
            Severity::Note => record::Severity::Note,
            Severity::Warning => record::Severity::Warning,
            Severity::Error => record::Severity::Error,
        };
        let Finding { code, message, subject, .. } = finding;
        Ok(self.handles.get(&session)?.0.report(record::Finding { code, severity, message, subject })?)
    }

    fn progress(&mut self, session: Resource<SessionHandle>, done: u64, total: Option<u64>) -> wasmtime::Result<()> {
        self.handles.get(&session)?.0.progress(done, total);
        Ok(())
    }

    fn should_stop(&mut self, _: Resource<SessionHandle>) -> wasmtime::Result<bool> {
        Ok(self.shared.clock.should_stop())
    }

    fn drop(&mut self, session: Resource<SessionHandle>) -> wasmtime::Result<()> {
        self.handles.delete(session)?;
        Ok(())
    }
}
