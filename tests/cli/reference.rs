//! The reference under `docs/` is generated: it says what the program says. `SPRAG_BLESS=1` writes it anew.

use std::fmt::Write as _;
use std::fs;

use clap::CommandFactory;
use serde_json::Value;
use sprag_schemas::exit_code;

use crate::context::{Project, root};

/// Holds a file of the reference against what it should say.
#[track_caller]
fn hold(file: &str, expected: &str) {
    let path = root().join("docs/reference").join(file);
    if std::env::var_os("SPRAG_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/reference/{file} is out of date: run the tests once with SPRAG_BLESS=1 and look at the difference"
    );
}

#[test]
fn exit_codes() {
    let head = "# Exit codes\n\nEvery command of `sprag` ends with one of these codes. A number never changes its meaning, so scripts and CI systems \
                may rely on them. A `sprag run --format json` says the code in its last event, too.\n\n";
    hold("exit-codes.md", &format!("{head}{}", exit_code::markdown_table()));
}

#[test]
fn schemas() {
    let project = Project::none();
    for what in [
        "project",
        "run",
        "model",
        "event",
        "release",
        "release-event",
        "run-event",
        "package",
        "approval",
        "canary",
        "policy",
        "oidc",
    ] {
        let schema = project.run(&["schema", what]).ok();
        jsonschema::meta::validate(&schema.json::<Value>()).unwrap();
        hold(&format!("{what}.schema.json"), &schema.stdout);
    }
}

#[test]
fn the_example_fits_the_schema_of_a_project() {
    let project = Project::diabetes();
    let schema: Value = project.run(&["schema", "project"]).ok().json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let example: Value = toml::from_str(&project.read("sprag.toml")).unwrap();
    validator.validate(&example).unwrap();
}

#[test]
fn command_line() {
    let mut text = String::from("# Command line\n\nWhat `sprag help` prints, command by command.\n");
    let mut command = sprag_cli::args::Arguments::command();
    command.build();
    tell(&Project::none(), &command, &mut vec![], &mut text);
    hold("cli.md", &text);
}

/// Adds the help of a command and those below it.
fn tell(project: &Project, command: &clap::Command, path: &mut Vec<String>, text: &mut String) {
    let args: Vec<_> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = project.run(&args).ok();
    let name = [&["sprag".to_owned()], path.as_slice()].concat().join(" ");
    // Where a line of help is empty, clap pads it.
    let lines: Vec<_> = help.stdout.trim_end().lines().map(str::trim_end).collect();
    write!(text, "\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n")).unwrap();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        path.push(sub.get_name().to_owned());
        tell(project, sub, path, text);
        path.pop();
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    let project = Project::none();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = project.run(&["completions", shell]).ok().stdout;
        assert!(script.contains("sprag") && script.contains("dry-run"), "{shell}");
    }
}

#[test]
fn the_standard_plugins_are_listed_with_what_they_ask_for() {
    let project = Project::none();
    let plugins: Vec<Value> = project.run(&["plugins", "--json"]).ok().json();
    let names: Vec<_> = plugins.iter().map(|plugin| plugin["name"].as_str().unwrap()).collect();
    assert_eq!(names, sprag_builtin::PLUGINS.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    let text = project.run(&["plugins"]).ok().stdout;
    for plugin in &plugins {
        assert!(text.contains(plugin["summary"].as_str().unwrap()));
        assert_eq!(plugin["params-schema"]["type"], "object", "{}", plugin["name"]);
        assert!(!plugin["imports"].as_array().unwrap().is_empty());
    }
}

#[test]
fn help_is_short_enough_for_a_terminal() {
    let help = Project::none().run(&["--help"]).ok().stdout;
    let long: Vec<_> = help.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(long.is_empty(), "{long:?}");
    assert!(help.contains("Examples:"));
}
