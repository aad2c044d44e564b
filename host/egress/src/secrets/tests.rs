use super::*;

/// Opens one secret that a TOML text describes, in a folder with files, with variables.
fn open(toml: &str, files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Vault, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let secret: Secret = serde_json::from_str(toml).unwrap();
    let environment = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let secrets = BTreeMap::from([("s".to_owned(), secret)]);
    let place = folder.path().display().to_string();
    let words = |problem: SecretProblem| problem.to_string().replace(&place, "DIR");
    Vault::open(&secrets, ["s"], &environment, folder.path()).map_err(|problems| problems.into_iter().map(words).collect())
}

fn fails(toml: &str, files: &[(&str, &str)], variables: &[(&str, &str)], expected: &str) {
    let problems = open(toml, files, variables).unwrap_err();
    assert_eq!(problems, [expected.to_owned()], "{toml}");
}

#[test]
fn a_value_comes_from_a_variable_or_a_file() {
    let vault = open(r#"{"env": "KEY", "hosts": ["a"]}"#, &[], &[("KEY", "s3cret")]).unwrap();
    assert_eq!(vault.value("s").unwrap().as_str(), "s3cret");
    let vault = open(r#"{"file": "key", "hosts": ["a"]}"#, &[("key", "s3cret \n\n")], &[]).unwrap();
    assert_eq!(vault.value("s").unwrap().as_str(), "s3cret", "without the white space at the end");
    assert_eq!(format!("{vault:?}"), r#"{"s"}"#, "a debug print shows names alone");
}

#[test]
fn what_is_missing_is_named_with_its_place() {
    fails(
        r#"{"env": "KEY"}"#,
        &[],
        &[],
        "expected the value of the secret `s` in the environment variable `KEY`, found none: it is not set",
    );
    fails(
        r#"{"env": "KEY"}"#,
        &[],
        &[("KEY", "")],
        "expected the value of the secret `s` in the environment variable `KEY`, found none: it is empty",
    );
    fails(
        r#"{"file": "k"}"#,
        &[],
        &[],
        "expected the value of the secret `s` in the file `DIR/k`, found none: No such file or directory (os error 2)",
    );
    fails(
        r#"{"file": "k"}"#,
        &[("k", " \n")],
        &[],
        "expected the value of the secret `s` in the file `DIR/k`, found none: it is empty",
    );
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let secret = Secret { env: Some("NOT_SET".to_owned()), ..Secret::default() };
    let secrets = BTreeMap::from([("a".to_owned(), secret.clone()), ("b".to_owned(), secret)]);
    let problems = Vault::open(&secrets, ["b", "a", "a", "c"], &|_| None, Path::new(".")).unwrap_err();
    assert_eq!(problems.len(), 3);
    assert_eq!(problems[2].to_string(), "expected `[secrets.c]` in sprag.toml, found none");
    assert_eq!(problems[0].hint(), "set `NOT_SET` where sprag runs");
}

#[test]
fn a_secret_has_one_source_and_a_value_that_fits() {
    fails("{}", &[], &[], "the secret `s`: expected exactly one of `env`, `file`, `azure` and `kubeconfig`, found 0");
    fails(
        r#"{"env": "A", "file": "b"}"#,
        &[],
        &[],
        "the secret `s`: expected exactly one of `env`, `file`, `azure` and `kubeconfig`, found 2",
    );
    fails(r#"{"env": "A"}"#, &[], &[("A", "abc")], "the secret `s`: expected a value of at least 4 bytes, found a shorter one");
    fails(
        r#"{"env": "A"}"#,
        &[],
        &[("A", "abcd\r\nX: y")],
        "the secret `s`: expected a value of one line, found control characters in it",
    );
    fails(
        r#"{"env": "A", "hosts": ["a/b"]}"#,
        &[],
        &[("A", "abcd")],
        "the secret `s`: expected `host`, `host:port` or `*.suffix` in `hosts`, found `a/b`",
    );
}

#[test]
fn an_azure_identity_has_one_credential() {
    let identity = |more: &str| format!(r#"{{"azure": {{"tenant": "t", "client-id": "c"{more}}}, "hosts": ["a"]}}"#);
    assert!(open(&identity(r#", "secret-env": "S""#), &[], &[("S", "s3cret")]).unwrap().value("s").is_none());
    let neither = "the secret `s`: expected exactly one of `azure.secret-env` and `azure.federated-token-file-env`";
    fails(&identity(""), &[], &[], neither);
    fails(
        &identity(r#", "secret-env": "S""#),
        &[],
        &[],
        "expected the value of the secret `s` in the environment variable `S`, found none: it is not set",
    );
    let federated = identity(r#", "federated-token-file-env": "F""#);
    assert!(open(&federated, &[("token", "jwt.jwt.jwt")], &[("F", "token")]).is_ok());
    fails(
        &federated,
        &[],
        &[("F", "token")],
        "expected the value of the secret `s` in the file `DIR/token`, found none: No such file or directory (os error 2)",
    );
}

#[test]
fn a_credential_goes_to_an_authority_under_tls_alone() {
    let identity = |authority: &str, more: &str| {
        let azure = format!(r#"{{"tenant": "t", "client-id": "c", "secret-env": "S", "authority": "{authority}"}}"#);
        format!(r#"{{"azure": {azure}, "hosts": ["a"]{more}}}"#)
    };
    let words = "the secret `s`: expected `https` in `azure.authority`, to which the credential goes, found `http://login.example.com`; \
                 `cleartext = true` lets it go unprotected";
    fails(&identity("http://login.example.com", ""), &[], &[("S", "s3cret")], words);
    for (authority, more) in
        [("https://login.example.com", ""), ("http://127.0.0.1:8080", ""), ("http://login.example.com", r#", "cleartext": true"#)]
    {
        assert!(open(&identity(authority, more), &[], &[("S", "s3cret")]).is_ok(), "{authority}{more}");
    }
}

#[test]
fn authorities_are_certificates() {
    let (secret, variables) = (r#"{"env": "A", "hosts": ["a"], "ca": "ca.pem"}"#, [("A", "abcd")]);
    let none = "the secret `s`: expected certificates in PEM in the file `ca.pem` of `ca`, found none";
    fails(secret, &[("ca.pem", "nothing of the kind")], &variables, none);
    let missing = format!("{none}: No such file or directory (os error 2)");
    fails(secret, &[], &variables, &missing);
    let twice = r#"{"kubeconfig": {"path": "k"}, "ca": "own.pem"}"#;
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().pem();
    let files = [("k", KUBECONFIG), ("ca.pem", "PEM"), ("own.pem", &own)];
    fails(twice, &files, &[], "the secret `s`: expected no `ca` beside `kubeconfig`, which names the cluster's own, found one");
}

const KUBECONFIG: &str = "
apiVersion: v1
kind: Config
current-context: here
clusters:
- name: c
  cluster: {server: 'https://10.0.0.1:6443', certificate-authority: ca.pem}
contexts:
- name: here
  context: {cluster: c, user: u, namespace: models}
users:
- name: u
  user: {token: t0ken-of-u}
";

fn cluster(text: &str, files: &[(&str, &str)]) -> Result<Vault, Vec<String>> {
    let files: Vec<_> = files.iter().copied().chain([("k", text), ("ca.pem", "PEM")]).collect();
    open(r#"{"kubeconfig": {"path": "k"}}"#, &files, &[])
}

#[test]
fn a_kubeconfig_gives_server_authority_and_token() {
    let vault = cluster(KUBECONFIG, &[]).unwrap();
    let entry = vault.get("s").unwrap();
    let Material::Cluster(cluster) = &entry.material else { panic!("expected a cluster") };
    assert_eq!(cluster.server, "https://10.0.0.1:6443");
    assert_eq!(entry.authorities.as_deref(), Some(&b"PEM"[..]));
    assert!(matches!(&cluster.token, Some(Token::Value(token)) if token.as_str() == "t0ken-of-u"));
    assert!(entry.hosts[0].covers("10.0.0.1", 6443) && !entry.hosts[0].covers("10.0.0.1", 443));
}

#[test]
fn a_kubeconfig_may_lie_where_kubectl_looks() {
    let text = KUBECONFIG.replace("certificate-authority: ca.pem", "certificate-authority-data: UEVN");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".kube")).unwrap();
    std::fs::write(folder.path().join(".kube/config"), text).unwrap();
    let secret = Secret { kubeconfig: Some(Default::default()), ..Secret::default() };
    let secrets = BTreeMap::from([("s".to_owned(), secret)]);
    let home = folder.path().display().to_string();
    let environment = |name: &str| (name == "HOME").then(|| home.clone());
    assert!(Vault::open(&secrets, ["s"], &environment, Path::new("/nowhere")).is_ok());
}

#[test]
fn what_a_kubeconfig_asks_beyond_that_is_refused() {
    let check = |from: &str, to: &str, expected: &str| {
        let text = KUBECONFIG.replace(from, to);
        assert_ne!(text, KUBECONFIG, "{from}");
        let problems = cluster(&text, &[]).unwrap_err();
        assert!(problems[0].contains(expected), "{problems:?}");
        assert!(!problems[0].contains("t0ken"), "{problems:?}");
    };
    check("token: t0ken-of-u", "exec: {command: rm, apiVersion: v1}", "expected credentials without `exec`");
    check("{token: t0ken-of-u}", "{}", "expected a `token`, a `tokenFile` or a client certificate for the user, found none");
    check("token: t0ken-of-u", "client-certificate-data: UEVN", "expected a client certificate with its key");
    check("certificate-authority: ca.pem", "insecure-skip-tls-verify: true", "`insecure-skip-tls-verify`");
    check("current-context: here", "current-context: there", "expected a context `there`, found `here`");
    check("user: u,", "user: v,", "expected a user `v`, found `u`");
    check("{token: t0ken-of-u}", "[t0ken-of-u", "expected YAML or JSON, found something else");
    check("'https://10.0.0.1:6443'", "'no address'", "expected an address as `server`");
}
