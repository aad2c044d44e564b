//! What authors wait for: a look at a component, and tables that go over to plugins of other languages.

use std::path::{Path, PathBuf};
use std::process::Command;

use sprag_core::digest::Digest;
use sprag_runtime::Runtime;

use crate::inside::{call, table};
use crate::measure::{Report, alone, ms};

/// A language whose plugins are built here, where its tools are.
struct Language {
    name: &'static str,
    source: &'static str,
    /// A check that walks all rows and looks at none, and one that adds each column up.
    walk: &'static str,
    sum: &'static str,
}

const PYTHON: Language = Language {
    name: "python",
    source: "plugin.py",
    walk: "import sprag\n\n\n@sprag.sanity_check\ndef check(session: sprag.Session, params: None, data: sprag.Table) -> sprag.Verdict:\n    \
           rows = sum(len(batch[0]) for batch in data.batches(data.features))\n    \
           return sprag.Verdict.PASS if rows == data.row_count else sprag.Verdict.FAIL\n",
    sum: "import sprag\n\n\n@sprag.sanity_check\ndef check(session: sprag.Session, params: None, data: sprag.Table) -> sprag.Verdict:\n    \
          total = sum(sum(column.values) for batch in data.batches(data.features) for column in batch)\n    \
          return sprag.Verdict.PASS if abs(total) < 1e9 else sprag.Verdict.FAIL\n",
};

const JAVASCRIPT: Language = Language {
    name: "js",
    source: "plugin.js",
    walk: "import { sanityCheck } from './sprag/index.js';\n\nexport default sanityCheck({\n  check(session, params, data) {\n    let rows = 0;\n    \
           for (const batch of data.batches(data.features)) rows += batch[0].length;\n    return rows === data.rowCount ? 'pass' : 'fail';\n  },\n});\n",
    sum: "import { sanityCheck, sum } from './sprag/index.js';\n\nexport default sanityCheck({\n  check(session, params, data) {\n    let total = 0;\n    \
          for (const batch of data.batches(data.features)) for (const column of batch) total += sum(column.values);\n    \
          return Math.abs(total) < 1e9 ? 'pass' : 'fail';\n  },\n});\n",
};

pub(crate) fn run(report: &mut Report, sprag: &Path, scratch: &Path) {
    let ridge = scratch.join("train-ridge.wasm");
    let bytes = sprag_builtin::PLUGINS.iter().find(|(name, ..)| *name == "train-ridge").map(|(_, bytes, _)| *bytes);
    std::fs::write(&ridge, bytes.expect("it is built in")).expect("the scratch folder takes it");
    look(report, sprag, &ridge, "a component in Rust");
    for language in [PYTHON, JAVASCRIPT] {
        match built(sprag, scratch, &language, "walk", language.walk) {
            Ok(component) => {
                look(report, sprag, &component, &format!("a component in {}", language.name));
                hand_over(report, scratch, &component, &format!("table of 80 MB walked in {}", language.name));
            }
            Err(why) => report.add(&format!("plugins in {}", language.name), why, String::new(), String::new(), None),
        }
        if let Ok(component) = built(sprag, scratch, &language, "sum", language.sum) {
            hand_over(report, scratch, &component, &format!("table of 80 MB added up in {}", language.name));
        }
    }
}

/// The whole program, from its start to its end.
fn look(report: &mut Report, sprag: &Path, component: &Path, what: &str) {
    for (command, goal, most) in [("inspect", "under 50 ms", 0.05), ("check", "under 100 ms", 0.1)] {
        let times = alone(20, || {
            let output = Command::new(sprag).args(["plugin", command]).arg(component).output().expect("sprag starts");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
        let median = times.median();
        report.add(
            &format!("`plugin {command}` of {what}"),
            ms(median),
            String::new(),
            String::new(),
            Some((goal, median < most)),
        );
    }
}

fn hand_over(report: &mut Report, scratch: &Path, component: &Path, what: &str) {
    let runtime = Runtime::new(Some(&scratch.join("code"))).expect("the engine starts");
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts");
    let guest = std::fs::read(component).expect("it was built a moment ago");
    let check = runtime.load(Digest::of(&guest), &guest).expect("the guest compiles");
    let (rows, columns) = (1_000_000, 10);
    let (table, call) = (table(rows, columns), call(check, "{}"));
    let times = alone(3, || {
        let _passes = tokio.block_on(runtime.sanity_check(&call, &table)).result.expect("the guest reads all rows");
    });
    let speed = (rows * columns * 8) as f64 / times.median() / 1e6;
    report.add(what, format!("{speed:.0} MB/s"), String::new(), String::new(), None);
}

/// Builds a plugin of this source, as an author does.
fn built(sprag: &Path, scratch: &Path, language: &Language, name: &str, source: &str) -> Result<PathBuf, String> {
    let dir = scratch.join(format!("{}-{name}", language.name));
    let said = |command: &mut Command| {
        let output = command.output().expect("sprag starts");
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("not built").to_owned())
        }
    };
    let new = ["plugin", "new", "--stage", "sanity-check", "--lang", language.name];
    said(Command::new(sprag).args(new).arg(&dir))?;
    std::fs::write(dir.join(language.source), source).expect("the scratch folder takes it");
    said(Command::new(sprag).args(["plugin", "build"]).arg(&dir))?;
    Ok(dir.join("build/plugin.wasm"))
}
