//! Mail by SMTP, to servers that the stage is granted, at judged addresses.

use std::net::IpAddr;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use sprag_core::origin::Origin;
use sprag_runtime::outside::{MailError, MailMessage, MailSecurity, MailServer};
use zeroize::Zeroizing;

use crate::network::Inner;
use crate::resolve::ResolveError;
use crate::secrets::Material;

/// The longest wait for any one answer of the server.
const WAIT: Duration = Duration::from_secs(30);

/// The most bytes of a message's texts.
const MOST: usize = 10 << 20;

/// The most recipients of a message.
const MOST_RECIPIENTS: usize = 100;

/// Sends one message.
pub(crate) async fn send(inner: &Inner, server: MailServer, message: MailMessage) -> Result<String, MailError> {
    let (host, port) = granted(inner, &server.address)?;
    let credentials = match &server.login {
        Some((user, password)) => Some(login(inner, &host, port, user, password)?),
        None => None,
    };
    let message = compose(message)?;
    let mut addresses = addresses(inner, &server.address, &host).await?;
    if server.security == MailSecurity::Plain {
        addresses.retain(IpAddr::is_loopback);
        if addresses.is_empty() {
            return Err(MailError::Denied(format!(
                "expected `start-tls` or `tls` toward `{}`, found a connection without protection, which only this machine itself may have",
                server.address
            )));
        }
    }
    let cover = |text: String| inner.needles().cover_text(&text);
    let mut result = Err(MailError::Unavailable(format!("found no address of `{}`", server.address)));
    for address in addresses {
        let mut transport = transport(inner, &server, &host, &address.to_string())?
            .port(port)
            .timeout(Some(WAIT))
            // The machine's own name would tell a stranger's server about it.
            .hello_name(ClientId::Domain("localhost".to_owned()));
        if let Some(credentials) = &credentials {
            transport = transport.credentials(credentials.clone());
        }
        let transport: AsyncSmtpTransport<Tokio1Executor> = transport.build();
        match transport.send(message.clone()).await {
            Ok(response) => {
                return Ok(cover(format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" "))));
            }
            // Nobody heard a word: the next address may have a listener, as where `localhost` is `::1` first.
            Err(error) if was_not_connected(&error) => result = Err(MailError::Unavailable(cover(words(&error)))),
            Err(error) if error.is_permanent() || error.is_client() || error.is_tls() => {
                return Err(MailError::Refused(cover(words(&error))));
            }
            Err(error) => return Err(MailError::Unavailable(cover(words(&error)))),
        }
    }
    result
}

/// Whether there never was a connection, so that no part of a message can have arrived.
fn was_not_connected(error: &dyn std::error::Error) -> bool {
    use std::io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return matches!(io.kind(), AddrNotAvailable | ConnectionRefused | HostUnreachable | NetworkUnreachable);
        }
        next = cause.source();
    }
    false
}

/// An error with its causes, of which the last says most.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

fn granted(inner: &Inner, address: &str) -> Result<(String, u16), MailError> {
    // An origin knows how a host and a port are written.
    let parsed: Option<Origin> = format!("http://{address}").parse().ok().filter(Origin::is_exact);
    let host = address.rsplit_once(':').map(|(host, _)| host.trim_start_matches('[').trim_end_matches(']').to_owned());
    let (Some(origin), Some(host)) = (parsed, host) else {
        return Err(MailError::BadMessage(format!("expected `host:port` as mail server, found `{address}`")));
    };
    if inner.smtp.iter().any(|granted| granted.eq_ignore_ascii_case(address)) {
        return Ok((host, origin.port));
    }
    let line = inner.line("smtp", inner.smtp.iter().cloned(), address);
    Err(MailError::Denied(format!(
        "the stage `{}` asked to send mail through `{address}`, which its grants do not name; to allow it, set {line} in sprag.toml",
        inner.stage
    )))
}

/// User and password, with secrets in the place of their placeholders.
fn login(inner: &Inner, host: &str, port: u16, user: &str, password: &str) -> Result<Credentials, MailError> {
    let password = secret(inner, host, port, password)?.ok_or_else(|| {
        MailError::Denied("expected a secret's placeholder as the password of a mail server, found other text".to_owned())
    })?;
    let user = secret(inner, host, port, user)?.map_or_else(|| user.to_owned(), |user| user.to_string());
    Ok(Credentials::new(user, password.to_string()))
}

/// The secret whose placeholder a text is.
fn secret(inner: &Inner, host: &str, port: u16, text: &str) -> Result<Option<Zeroizing<String>>, MailError> {
    let Some(granted) = inner.secrets.iter().find(|granted| granted.placeholder == text) else { return Ok(None) };
    let name = &granted.name;
    let entry = inner.vault.get(name).ok_or_else(|| MailError::Denied(format!("the secret `{name}` was not opened")))?;
    if !entry.hosts.iter().chain(&granted.also).any(|pattern| pattern.covers(host, port)) {
        return Err(MailError::Denied(format!(
            "the stage `{}` asked to send the secret `{name}` to `{host}:{port}`, which is none of its hosts; to allow it, add \"{host}:{port}\" to `secrets.{name}.hosts` in sprag.toml",
            inner.stage
        )));
    }
    match &entry.material {
        Material::Value(value) => Ok(Some(value.clone())),
        Material::Azure(_) | Material::Cluster(_) => Err(MailError::Denied(format!(
            "expected a secret from `env` or `file` for a mail server, found `{name}` from another source"
        ))),
    }
}

/// The addresses to connect to, in the order in which they are tried.
async fn addresses(inner: &Inner, server: &str, host: &str) -> Result<Vec<IpAddr>, MailError> {
    let found = inner.clients.guard().by_name(host).await.map_err(|error| match error {
        ResolveError::None(_) => MailError::Unavailable(error.to_string()),
        ResolveError::Refused { .. } => MailError::Denied(error.to_string()),
    })?;
    if found.is_empty() {
        return Err(MailError::Unavailable(format!("found no address of `{server}`")));
    }
    Ok(found.iter().map(std::net::SocketAddr::ip).collect())
}

/// The only authorities to trust as the server, where the secret that is the password names some.
fn authorities<'a>(inner: &'a Inner, server: &MailServer) -> Option<&'a [u8]> {
    let (_, password) = server.login.as_ref()?;
    let granted = inner.secrets.iter().find(|granted| granted.placeholder == *password)?;
    inner.vault.get(&granted.name)?.authorities.as_deref()
}

fn transport(inner: &Inner, server: &MailServer, host: &str, address: &str) -> Result<AsyncSmtpTransportBuilder, MailError> {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address);
    let refused = |error: lettre::transport::smtp::Error| MailError::Refused(words(&error));
    let tls = || {
        let mut parameters = TlsParameters::builder(host.to_owned());
        if let Some(only) = authorities(inner, server) {
            parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(Certificate::from_pem(only)?);
        } else if !inner.authorities.is_empty() {
            parameters = parameters.add_root_certificate(Certificate::from_pem(&inner.authorities)?);
        }
        parameters.build()
    };
    Ok(builder.tls(match server.security {
        MailSecurity::Plain => Tls::None,
        MailSecurity::StartTls => Tls::Required(tls().map_err(refused)?),
        MailSecurity::Tls => Tls::Wrapper(tls().map_err(refused)?),
    }))
}

fn compose(message: MailMessage) -> Result<Message, MailError> {
    let MailMessage { sender, recipients, subject, text, html } = message;
    if recipients.is_empty() || recipients.len() > MOST_RECIPIENTS {
        return Err(MailError::BadMessage(format!("expected 1 to {MOST_RECIPIENTS} recipients, found {}", recipients.len())));
    }
    if subject.chars().any(char::is_control) {
        return Err(MailError::BadMessage("expected a subject of one line, found control characters in it".to_owned()));
    }
    if text.len() + html.as_ref().map_or(0, String::len) > MOST {
        return Err(MailError::BadMessage(format!("expected a message of at most {MOST} bytes, found more")));
    }
    let mailbox = |text: &str| {
        text.parse::<Mailbox>().map_err(|error| {
            MailError::BadMessage(format!(
                "expected `name@example.com` or `Name <name@example.com>`, found `{}`: {error}",
                text.escape_debug()
            ))
        })
    };
    let mut builder = Message::builder().from(mailbox(&sender)?).subject(subject).message_id(None);
    for recipient in &recipients {
        builder = builder.to(mailbox(recipient)?);
    }
    let composed = match html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(text, html)),
        None => builder.singlepart(SinglePart::plain(text)),
    };
    composed
        .map_err(|error| MailError::BadMessage(format!("expected a message that can be sent, found one that cannot: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(change: impl FnOnce(&mut MailMessage)) -> Result<Message, MailError> {
        let mut message = MailMessage {
            sender: "sprag <sprag@example.com>".to_owned(),
            recipients: vec!["a@example.com".to_owned()],
            subject: "Approval".to_owned(),
            text: "hello".to_owned(),
            html: None,
        };
        change(&mut message);
        compose(message)
    }

    #[test]
    fn a_message_has_a_sender_recipients_and_one_subject() {
        let good = message(|message| message.html = Some("<p>hello</p>".to_owned())).unwrap();
        let text = String::from_utf8(good.formatted()).unwrap();
        assert!(text.contains("Subject: Approval") && text.contains("multipart/alternative"), "{text}");
        let refused = |change: fn(&mut MailMessage)| assert!(matches!(message(change), Err(MailError::BadMessage(_))));
        refused(|message| message.recipients.clear());
        refused(|message| message.recipients = vec!["a@example.com\r\nBcc: b@example.com".to_owned()]);
        refused(|message| message.subject = "x\r\nBcc: b@example.com".to_owned());
        refused(|message| message.sender = "nobody".to_owned());
    }
}
