//! What `sprag serve` finds before it answers: bundles, keys, certificates, ports; and what it says where one of them will not do.

use std::net::TcpListener;

use insta::assert_snapshot;
use sprag_schemas::exit_code;
use sprag_schemas::package::{ModelCard, bundle};
use sprag_schemas::record::ModelVersion;

use crate::context::{Project, Service, Sprag};
use crate::serve::{ROWS, answer, is_golden, registered, store};

/// Writes the bundle of version 1, as an image has it.
fn write_bundle(project: &Project, folder: &str) {
    let version: ModelVersion = project.run(&["model", "show", "diabetes@1", "--json"]).ok().json();
    let card = ModelCard::new(&version, None);
    let store = store(project);
    let blob = |digest: &str| store.read_blob(&digest.parse().unwrap()).unwrap();
    project.write(&format!("{folder}/{}", bundle::SCORER), blob(&card.scorer));
    project.write(&format!("{folder}/{}", bundle::STATE), blob(&card.state));
    project.write(&format!("{folder}/{}", bundle::CARD), card.to_json());
}

#[test]
fn a_bundle_is_served_without_a_project() {
    let project = registered();
    write_bundle(&project, "model");
    let folder = project.path("model");
    let elsewhere = Project::none();
    let args = ["serve", "--listen", "127.0.0.1:0", "--ready-file", "ready", "--bundle"];
    let service = Service::of(&elsewhere, elsewhere.sprag(&args).arg(&folder), &[]);
    assert!(is_golden(&answer(&service)));
    let _ = service.stop().ok();

    for file in [bundle::SCORER, bundle::STATE] {
        write_bundle(&project, "model");
        let mut bytes = std::fs::read(folder.join(file)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        project.write(&format!("model/{file}"), bytes);
        let told = elsewhere.sprag(&args).arg(&folder).run().exits(exit_code::BAD_PROJECT);
        assert!(told.stderr.contains(&format!("expected `{file}` with the digest `sha256:")), "{}", told.stderr);
    }
    write_bundle(&project, "model");
    let card = project.read("model/model.json").replace("\"BMI\"", "\"IMB\"");
    project.write("model/model.json", card);
    let told = elsewhere.sprag(&args).arg(&folder).run().exits(exit_code::PLUGIN_FAILED);
    assert!(told.stderr.contains("expected diabetes@1 to have the columns of its record, found others"), "{}", told.stderr);
    std::fs::remove_file(folder.join("model.json")).unwrap();
    let told = elsewhere.sprag(&args).arg(&folder).run().exits(exit_code::BAD_PROJECT);
    assert!(told.stderr.contains("expected the file `model.json`, found none"), "{}", told.stderr);
}

#[test]
fn what_cannot_be_served_is_told_with_what_could() {
    let project = registered();
    let told = |args: &[&str]| project.run(&[&["serve", "--listen", "127.0.0.1:0"], args].concat()).error();
    assert_snapshot!(told(&["diabetes@staging"]), @r"
    exit code 2
    error: the model `diabetes` has no alias `staging`; it has `production`

    hint: `diabetes` alone means the newest version
    ");
    assert_snapshot!(told(&["@staging"]), @r"
    exit code 2
    error: the model `diabetes` has no alias `staging`; it has `production`

    hint: `diabetes` alone means the newest version
    ");
    assert_snapshot!(told(&["diabetes@9"]), @r"
    exit code 2
    error: the model `diabetes` has no version 9; it has version 1 only

    hint: `diabetes` alone means the newest version
    ");
    assert_snapshot!(told(&["other"]), @r"
    exit code 2
    error: no model is called `other`; registered are `diabetes`

    hint: `sprag models` lists the models; `sprag run` with a `register` stage adds one
    ");
    assert_snapshot!(told(&["--package", "sha256:12"]), @r"
    exit code 2
    error: expected a digest such as `sha256:` and 64 hexadecimal digits, found `sha256:12`

    hint: `sprag package` makes a package of a registered version
    ");
    assert_snapshot!(told(&["--package", "sha256:12=30", "--package", "sha256:34=80"]), @r"
    exit code 2
    error: expected shares that add up to 100, found 110
    ");
    assert_snapshot!(told(&["--bundle", "nothing"]), @r"
    exit code 2
    error: the bundle in `nothing`: expected the file `model.json`, found none

    hint: `sprag package` makes one; an image that it makes has it under /model
    ");
    let stdin = project.run(&["serve", "@production", "--listen", "stdin"]).exits(exit_code::BAD_PROJECT).error();
    assert!(stdin.contains("expected a listening socket through the standard input, found none"), "{stdin}");
    let none = Project::none();
    assert_snapshot!(none.run(&["serve", "diabetes@1"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: expected the runs of a project in `[TEMP]/project`, found none

    hint: `sprag run` makes the first
    ");
    assert_snapshot!(none.run(&["serve", "@production"]).exits(exit_code::BAD_PROJECT).error(), @r"
    exit code 2
    error: expected the runs of a project in `[TEMP]/project`, found none

    hint: `sprag run` makes the first
    ");
    assert!(told(&[]).contains("<MODEL|--package <DIGEST[=PERCENT]>|--bundle <DIR>>"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = project.run(&["serve", "@production", "--listen", &address]).exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(error.replace(&address, "[ADDRESS]"), @r"
    exit code 2
    error: failed to listen at [ADDRESS]: Address already in use (os error 98)

    hint: another process has the port; `--listen 127.0.0.1:0` takes a free one
    ");
}

#[test]
fn a_model_that_cannot_be_loaded_is_not_served() {
    let project = registered();
    let version: ModelVersion = project.run(&["model", "show", "diabetes@1", "--json"]).ok().json();
    let hex = version.model.scorer.strip_prefix("sha256:").unwrap();
    let path = project.path(".sprag/blobs/sha256").join(&hex[..2]).join(hex);
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    std::fs::set_permissions(&path, permissions).unwrap();
    std::fs::write(&path, b"something else").unwrap();
    let told = project.run(&["serve", "@production", "--listen", "127.0.0.1:0"]).exits(exit_code::BAD_PROJECT).error();
    assert!(told.contains("is damaged: expected `sha256:"), "{told}");
}

#[test]
fn keys_come_from_files_variables_and_secrets_and_are_shown_nowhere() {
    let project = registered();
    let (in_file, in_variable, in_secret) =
        ("key-of-the-file-0123456789", "key-of-the-variable-0123456789", "key-of-the-secret-0123456789");
    project.write("keys", format!("{in_file}\n"));
    project.write("secret", format!("{in_secret}\n"));
    let hosts = "hosts = [\"localhost\"]";
    project.append(&format!(
        "\n[secrets.scoring]\nfile = \"secret\"\n{hosts}\n\n[secrets.unset]\nenv = \"NO_SUCH_VARIABLE\"\n{hosts}\n"
    ));
    let serve = |args: &[&str]| {
        let base = ["serve", "@production", "--listen", "127.0.0.1:0", "--ready-file", "ready"];
        project.sprag(&[&base, args].concat()).env("SCORING_KEY", in_variable)
    };
    let service =
        Service::of(&project, serve(&["--key-file", "keys", "--key-env", "SCORING_KEY", "--key-secret", "scoring"]), &[]);
    let with = |key: &str| {
        let headers = [("authorization", format!("Bearer {key}"))];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        service.client().request("POST", "/score", &headers, ROWS.as_bytes()).status
    };
    assert_eq!([in_file, in_variable, in_secret, "another-key-0123456789"].map(with), [200, 200, 200, 401]);
    let said = service.stop().ok();
    for key in [in_file, in_variable, in_secret, "another-key"] {
        assert!(!said.stderr.contains(key) && !said.stdout.contains(key));
    }
    // A variable that needs no argument, for images.
    let service = Service::of(&project, serve(&[]).env("SPRAG_SERVE_KEY", in_variable), &[]);
    assert_eq!(service.client().post("/score", ROWS.as_bytes()).status, 401);
    let _ = service.stop().ok();

    let told = |sprag: Sprag<'_>| sprag.run().exits(exit_code::BAD_PROJECT).error();
    assert_snapshot!(told(serve(&["--key-secret", "unset"])), @r"
    exit code 2
    error: expected the value of the secret `unset` in the environment variable `NO_SUCH_VARIABLE`, found none: it is not set

    hint: set `NO_SUCH_VARIABLE` where sprag runs
    ");
    assert_snapshot!(told(serve(&["--key-secret", "nothing"])), @r"
    exit code 2
    error: expected `[secrets.nothing]` in sprag.toml, found none

    hint: describe it: `[secrets.nothing]` with `env`, `file`, `azure` or `kubeconfig`, and `hosts`
    ");
    assert_snapshot!(told(serve(&["--key-env", "NO_SUCH_VARIABLE"])), @r"
    exit code 2
    error: expected a bearer key in the environment variable `NO_SUCH_VARIABLE`, found none

    hint: set `NO_SUCH_VARIABLE` where sprag runs
    ");
    assert_snapshot!(told(serve(&["--key-file", "nothing"])), @r"
    exit code 2
    error: failed to read the keys in `nothing`: No such file or directory (os error 2)
    ");
    assert_snapshot!(told(serve(&[]).env("SPRAG_SERVE_KEY", "short")), @r"
    exit code 2
    error: expected keys of at least 16 characters in the environment variable `SPRAG_SERVE_KEY`, found 5 in key 1

    hint: `openssl rand -hex 32` makes a good key
    ");
}

#[test]
fn a_certificate_that_expired_is_told_before_anybody_meets_it() {
    let project = registered();
    let write = |until: i32| {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(until, 1, 1));
        let key = rcgen::KeyPair::generate().unwrap();
        project.write("certificate.pem", params.self_signed(&key).unwrap().pem());
        project.write("key.pem", key.serialize_pem());
    };
    let args = ["@production", "--tls-certificate", "certificate.pem", "--tls-key", "key.pem"];
    write(2024);
    let told = project.run(&[&["serve", "--listen", "127.0.0.1:0"], &args[..]].concat()).exits(exit_code::BAD_PROJECT);
    assert_snapshot!(told.error(), @r"
    exit code 2
    error: expected a certificate that is valid in `certificate.pem`, found one that expired on 2024-01-01 00:00 UTC

    hint: renew the certificate and start again
    ");
    write(2099);
    let service = Service::start(&project, &args);
    assert!(project.read("ready").starts_with("https://"));
    let _ = service.stop().ok();
}
