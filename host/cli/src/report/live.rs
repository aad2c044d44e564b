//! A run while it goes on: a moving line on a terminal, plain lines elsewhere, one JSON object an event for programs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sprag_lifecycle::Observer;
use sprag_schemas::event::Event;
use sprag_schemas::manifest::Kind;
use sprag_schemas::record::LogLevel;

use super::number::short;
use super::{facts, text};
use crate::args::Format;
use crate::console::{BOLD, Console, DIM, WARN, tamed};

/// Makes the observer for a run.
pub(crate) fn observer(format: Format, verbose: bool, console: Console) -> Observer {
    match format {
        Format::Json => Arc::new(move |event| console.json_line(&event)),
        Format::Text => {
            let bar = console.is_live().then(spinner);
            let reporter = Mutex::new(Reporter { console, bar, verbose, kind: None });
            Arc::new(move |event| reporter.lock().unwrap_or_else(PoisonError::into_inner).tell(event))
        }
    }
}

/// Makes an observer that says nothing: the result alone is asked for.
pub(crate) fn silent() -> Observer {
    Arc::new(|_| {})
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is fixed and good");
    bar.set_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

struct Reporter {
    console: Console,
    bar: Option<ProgressBar>,
    verbose: bool,
    /// The kind of the stage that is at work.
    kind: Option<Kind>,
}

impl Reporter {
    fn tell(&mut self, event: Event) {
        match event {
            Event::Waiting { holder } => {
                let holder = holder.map(|run| format!(": {run}")).unwrap_or_default();
                self.note(&format!("{WARN}waiting{WARN:#} for another run of this project to end{holder}"));
            }
            Event::RunStarted { run, project, .. } => self.line(&format!("{BOLD}{project}{BOLD:#} {DIM}run {run}{DIM:#}")),
            Event::Compiling { plugin } => self.status(format!("compiling {plugin}")),
            Event::StageStarted { stage, kind, plugin } => {
                self.kind = Some(kind);
                if self.verbose {
                    self.note(&format!("  {DIM}{stage}: {plugin}{DIM:#}"));
                } else {
                    self.status(format!("{stage}: {plugin}"));
                }
            }
            Event::Log { stage, line } => {
                if self.verbose || line.level >= LogLevel::Warn {
                    let fields: String = line.fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                    self.note(&format!("  {DIM}{stage}:{DIM:#} {}{fields}", line.message));
                }
            }
            Event::Metric { stage, metric } => {
                let step = metric.step.map(|step| format!(" at step {step}")).unwrap_or_default();
                let text = format!("{stage}: {} {}{step}", facts::metric_name(&metric), short(metric.value));
                // A check measures every column, and a trainer every step: worth a look while it happens, not a line each.
                if self.verbose || (metric.step.is_none() && self.kind != Some(Kind::SanityCheck)) {
                    self.line(&format!("  {DIM}{text}{DIM:#}"));
                } else {
                    self.status(text);
                }
            }
            Event::Finding { .. } => {}
            Event::Progress { stage, done, total } => {
                self.status(total.map_or_else(|| format!("{stage}: {done}"), |total| format!("{stage}: {done} of {total}")));
            }
            Event::StageFinished { record } => {
                for line in text::stage(&record) {
                    self.line(&line);
                }
            }
            Event::BatchFinished { record } => {
                for line in text::batch(&record) {
                    self.line(&line);
                }
            }
            Event::RunFinished { record, .. } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                self.console.line("");
                for line in text::summary(&record).into_iter().chain(text::comparison(&record)) {
                    self.console.line(&line);
                }
            }
        }
    }

    /// The moving line's text.
    fn status(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(tamed(&text).into_owned());
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.console.line(text)),
            None => self.console.line(text),
        }
    }

    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.console.note(text)),
            None => self.console.note(text),
        }
    }
}
