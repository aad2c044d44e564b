//! Mail through granted servers, with TLS except toward this machine.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sprag_egress::{Network, Vault};
use sprag_runtime::outside::{MailError, MailMessage, MailSecurity, MailServer, Outbound};
use sprag_schemas::manifest::Grants;
use sprag_schemas::secrets::Secret;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::cluster::Authority;
use crate::support::{Names, placeholder, vault, vault_of};

/// What a server was told, line by line, its own side of TLS marked.
type Told = Arc<Mutex<Vec<String>>>;

/// A server of RFC 5321 with STARTTLS, where it has TLS, that takes one message.
async fn server(tls: Option<TlsAcceptor>) -> (String, Told) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let told = Told::default();
    let heard = told.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 here ESMTP\r\n").await.unwrap();
        if converse(&mut stream, &heard, tls.is_some()).await {
            let tls = tls.expect("STARTTLS is offered where there is TLS alone");
            let Ok(stream) = tls.accept(stream.into_inner()).await else { return };
            heard.lock().unwrap().push("(TLS)".to_owned());
            converse(&mut BufReader::new(stream), &heard, false).await;
        }
    });
    (address, told)
}

/// Answers until the end, or until the client begins TLS: then it says so.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, heard: &Told, has_tls: bool) -> bool {
    let mut in_data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(line.clone());
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            _ if in_data && line != "." => continue,
            _ if in_data => {
                in_data = false;
                "250 taken as 1"
            }
            "EHLO" if has_tls => "250-here\r\n250 STARTTLS",
            "EHLO" => "250-here\r\n250 AUTH PLAIN",
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "AUTH" => "235 known",
            "RCPT" if line.contains("nobody@") => "550 no such user",
            "QUIT" => "221 bye",
            "STARTTLS" => "220 begin",
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        if verb == "STARTTLS" {
            return true;
        }
    }
}

fn smtp(servers: &[&str], secrets: &[&str]) -> Grants {
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
    Grants { smtp: texts(servers), secrets: texts(secrets), ..Grants::default() }
}

fn message() -> MailMessage {
    MailMessage {
        sender: "sprag@example.com".to_owned(),
        recipients: vec!["approver@example.com".to_owned()],
        subject: "diabetes@3 waits".to_owned(),
        text: "mse 2989.7 against 3101.2".to_owned(),
        html: None,
    }
}

fn to(address: &str, security: MailSecurity) -> MailServer {
    MailServer { address: address.to_owned(), security, login: None }
}

#[tokio::test]
async fn a_message_reaches_a_server_of_this_machine() {
    let (address, told) = server(None).await;
    let network = Network::of("notify", "stages.notify", &smtp(&[&address], &[]), &Vault::default()).build().unwrap();
    let answer = network.mail(to(&address, MailSecurity::Plain), message()).await.unwrap();
    assert_eq!(answer, "250 taken as 1");
    let told = told.lock().unwrap().join("\n");
    for part in ["MAIL FROM:<sprag@example.com>", "RCPT TO:<approver@example.com>", "Subject: diabetes@3 waits", "mse 2989.7"] {
        assert!(told.contains(part), "{told}");
    }
}

#[tokio::test]
async fn a_password_goes_through_tls_to_the_server_that_it_is_for() {
    let authority = Authority::new();
    let (address, told) = server(Some(TlsAcceptor::from(Arc::new(authority.server(None, |_| {}))))).await;
    let (grants, vault) = (smtp(&[&address], &["key"]), vault("pAssw0rd", &["127.0.0.1"]));
    let settings = Network::of("notify", "stages.notify", &grants, &vault).trusting(authority.pem().as_bytes());
    let network = settings.build().unwrap();
    let login = Some(("sprag".to_owned(), placeholder(&network)));
    let server = MailServer { login, ..to(&address, MailSecurity::StartTls) };
    network.mail(server, message()).await.unwrap();
    let told = told.lock().unwrap().clone();
    let began = told.iter().position(|line| line == "(TLS)").unwrap();
    let auth = format!("AUTH PLAIN {}", STANDARD.encode("\0sprag\0pAssw0rd"));
    assert!(told[began..].contains(&auth) && !told[..began].contains(&auth), "{told:?}");
}

#[tokio::test]
async fn a_password_names_whom_to_trust_as_its_server() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let path = folder.path().join("ca.pem");
    for (trusted, is_sent) in [(&authority, true), (&Authority::new(), false)] {
        let (address, told) = server(Some(TlsAcceptor::from(Arc::new(authority.server(None, |_| {}))))).await;
        std::fs::write(&path, trusted.pem()).unwrap();
        let (env, ca) = (Some("KEY".to_owned()), Some(path.display().to_string()));
        let secret = Secret { env, ca, hosts: vec!["127.0.0.1".to_owned()], ..Secret::default() };
        let (grants, vault) = (smtp(&[&address], &["key"]), vault_of(secret, &[("KEY", "pAssw0rd")]));
        // Whom else the stage trusts counts for nothing where the secret says whom.
        let settings = Network::of("notify", "stages.notify", &grants, &vault).trusting(authority.pem().as_bytes());
        let network = settings.build().unwrap();
        let login = Some(("sprag".to_owned(), placeholder(&network)));
        let sent = network.mail(MailServer { login, ..to(&address, MailSecurity::StartTls) }, message()).await;
        assert_eq!(sent.is_ok(), is_sent, "{sent:?}");
        assert_eq!(told.lock().unwrap().iter().any(|line| line.starts_with("AUTH")), is_sent);
    }
}

#[tokio::test]
async fn the_next_address_is_tried_where_nobody_listens_at_the_first() {
    let (address, told) = server(None).await;
    let named = address.replace("127.0.0.1", "mail.test");
    let (grants, vault) = (smtp(&[&named], &[]), Vault::default());
    let settings = Network::of("notify", "stages.notify", &grants, &vault);
    let network = settings.resolved_by(Names::lead_to(&[&["::1", "127.0.0.2", "127.0.0.1"]])).build().unwrap();
    assert_eq!(network.mail(to(&named, MailSecurity::Plain), message()).await.unwrap(), "250 taken as 1");
    assert_eq!(told.lock().unwrap().iter().filter(|line| line.starts_with("MAIL")).count(), 1);
}

#[tokio::test]
async fn without_tls_there_is_no_mail_where_tls_is_asked_for() {
    let (address, told) = server(None).await;
    let network = Network::of("notify", "stages.notify", &smtp(&[&address], &[]), &Vault::default()).build().unwrap();
    network.mail(to(&address, MailSecurity::StartTls), message()).await.unwrap_err();
    assert!(!told.lock().unwrap().iter().any(|line| line.starts_with("MAIL")));
    // A certificate that nobody vouches for is as good as none.
    let (address, told) = server(Some(TlsAcceptor::from(Arc::new(Authority::new().server(None, |_| {}))))).await;
    let network = Network::of("notify", "stages.notify", &smtp(&[&address], &[]), &Vault::default()).build().unwrap();
    network.mail(to(&address, MailSecurity::StartTls), message()).await.unwrap_err();
    assert!(!told.lock().unwrap().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn what_is_not_granted_is_refused_before_any_connection() {
    let (address, told) = server(None).await;
    let denied = async |grants: &Grants, vault: &Vault, server: MailServer| {
        let settings = Network::of("notify", "stages.notify", grants, vault);
        let network = settings.resolved_by(Names::lead_to(&[&["192.0.2.1"]])).build().unwrap();
        match network.mail(server, message()).await.unwrap_err() {
            MailError::Denied(words) => words,
            other => panic!("expected a refusal, found {other:?}"),
        }
    };
    let none = Vault::default();
    let words = denied(&smtp(&[], &[]), &none, to(&address, MailSecurity::Plain)).await;
    assert_eq!(
        words,
        format!(
            "the stage `notify` asked to send mail through `{address}`, which its grants do not name; to allow it, set \
             `stages.notify.grants.smtp = [\"{address}\"]` in sprag.toml"
        )
    );
    let far = "mail.example.com:25";
    let words = denied(&smtp(&[far], &[]), &none, to(far, MailSecurity::Plain)).await;
    assert!(words.starts_with("expected `start-tls` or `tls` toward `mail.example.com:25`"), "{words}");
    let plain = MailServer { login: Some(("u".to_owned(), "plain-text".to_owned())), ..to(&address, MailSecurity::Plain) };
    let words = denied(&smtp(&[&address], &[]), &none, plain).await;
    assert!(words.starts_with("expected a secret's placeholder as the password"), "{words}");
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_for_good_is_told_from_an_outage() {
    let (address, _) = server(None).await;
    let network = Network::of("notify", "stages.notify", &smtp(&[&address], &[]), &Vault::default()).build().unwrap();
    let nobody = MailMessage { recipients: vec!["nobody@example.com".to_owned()], ..message() };
    let error = network.mail(to(&address, MailSecurity::Plain), nobody).await.unwrap_err();
    assert!(matches!(&error, MailError::Refused(words) if words.contains("no such user")), "{error:?}");
    // Nobody listens there any more: the server took one connection.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let network = Network::of("notify", "stages.notify", &smtp(&[&free], &[]), &Vault::default()).build().unwrap();
    let error = network.mail(to(&free, MailSecurity::Plain), message()).await.unwrap_err();
    assert!(matches!(error, MailError::Unavailable(_)), "{error:?}");
}
