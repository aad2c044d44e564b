//! `sprag:run/mail`

use std::collections::BTreeMap;

use sprag_schemas::record::{LogLevel, LogLine};

use crate::bindings::sprag::run::mail::{Host, MailError, Message, Security, Server};
use crate::outside::{self, MailMessage, MailSecurity, MailServer};
use crate::state::StageState;

impl Host for StageState {
    async fn send(&mut self, server: Server, message: Message) -> wasmtime::Result<Result<String, MailError>> {
        let security = match server.security {
            Security::StartTls => MailSecurity::StartTls,
            Security::Tls => MailSecurity::Tls,
            Security::Plain => MailSecurity::Plain,
        };
        let login = server.login.map(|login| (login.user, login.password));
        let server = MailServer { address: server.address, security, login };
        let Message { sender, recipients, subject, text, html } = message;
        let (address, count) = (server.address.clone(), recipients.len());
        let answer = match &self.call.outbound {
            Some(outbound) => outbound.mail(server, MailMessage { sender, recipients, subject, text, html }).await,
            None => Err(outside::MailError::Denied(format!(
                "asked to send mail through `{address}`, which no grant of this stage allows; add `smtp = [\"{address}\"]` to its grants in sprag.toml"
            ))),
        };
        let recipients = if count == 1 { "1 recipient".to_owned() } else { format!("{count} recipients") };
        let (level, told) = match &answer {
            Ok(answer) => (LogLevel::Info, answer.clone()),
            Err(error) => (LogLevel::Warn, error.to_string()),
        };
        let message = format!("mail through {address} to {recipients}: {told}");
        self.session.0.log_by_host(LogLine { level, message, fields: BTreeMap::new() });
        Ok(answer.map_err(|error| match error {
            outside::MailError::Denied(message) => MailError::Denied(message),
            outside::MailError::BadMessage(message) => MailError::BadMessage(message),
            outside::MailError::Refused(message) => MailError::Refused(message),
            outside::MailError::Unavailable(message) => MailError::Unavailable(message),
        }))
    }
}
