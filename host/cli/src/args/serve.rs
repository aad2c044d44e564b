//! Arguments of `sprag serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use sprag_schemas::quantity::{ByteSize, TimeSpan};

use super::ChallengerArgs;

/// Arguments of `sprag serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag serve @production\n  sprag serve diabetes@3 --listen 0.0.0.0:8443 --tls-certificate chain.pem --tls-key key.pem --key-secret scoring\n  sprag serve --bundle /model --listen 0.0.0.0:8080 --key-env SCORING_KEY\n  sprag serve @production --challenger b=@candidate --canary canary.toml --shadow c=diabetes@4\n\n  curl -d '{\"data\":[[1,2,3,4,5,6,7,8,9,10]]}' -H 'content-type: application/json' http://127.0.0.1:8080/score\n\nSIGTERM and Ctrl-C let the requests that were begun end first; a second one ends the process at once."
)]
pub struct ServeArgs {
    /// What is served.
    #[command(flatten)]
    pub what: WhatArgs,
    /// Where to listen: an address with a port, port 0 for a free one; or `stdin` where a supervisor hands a listening socket over.
    #[arg(long, value_name = "ADDRESS:PORT|stdin", default_value = "127.0.0.1:8080")]
    pub listen: ListenAt,
    /// A file to write the URL to once requests are answered.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// A folder with machine code that `sprag package` made for this program, as an image has it: the model starts without being compiled. Whoever can write there can run code.
    #[arg(long, value_name = "DIR", requires = "bundle")]
    pub compiled: Option<PathBuf>,
    /// Do not count what the model sees; without counts, `sprag drift` and the figures of drift at /metrics say nothing.
    #[arg(long)]
    pub no_drift: bool,
    /// Where the log goes, one JSON object a line: `stderr`, `off`, or a file.
    #[arg(long, value_name = "stderr|off|FILE", default_value = "stderr")]
    pub log: LogTo,
    /// How long, once asked to stop, it goes on while it says that it is not ready, so that a load balancer can look away.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub notice: TimeSpan,
    /// How long requests that were begun may go on after that.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub drain: TimeSpan,
    /// The certificate to speak TLS with, as PEM, those that vouch for it behind it; read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "Who may ask")]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate", help_heading = "Who may ask")]
    pub tls_key: Option<PathBuf>,
    /// Where bearer keys come from.
    #[command(flatten)]
    pub keys: ServeKeyArgs,
    /// What a request may cost.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// The models beside the champion.
    #[command(flatten)]
    pub challengers: ChallengerArgs,
}

/// What is served: a version, packages, or a bundle.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct WhatArgs {
    /// The version: NAME@ALIAS or @ALIAS of the project's model, which are followed; NAME@NUMBER or a number; or NAME for the one that is the newest now.
    #[arg(value_name = "MODEL")]
    pub model: Option<String>,
    /// A package of the project's store by its digest. Several take a share of the requests each, which add up to 100.
    #[arg(long = "package", value_name = "DIGEST[=PERCENT]")]
    pub packages: Vec<PackageShare>,
    /// A folder with the files of a packaged model, as an image has it; no project is needed.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
}

/// Where the bearer keys come from that callers must have one of.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who may ask")]
pub struct ServeKeyArgs {
    /// A file with a bearer key on each line, of which callers must have one; read again when it changes.
    #[arg(long = "key-file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// An environment variable with a bearer key. SPRAG_SERVE_KEY needs not be named: where it is set, its key is one.
    #[arg(long = "key-env", value_name = "VARIABLE")]
    pub variables: Vec<String>,
    /// A secret of the project, under `[secrets]`, with a bearer key.
    #[arg(long = "key-secret", value_name = "NAME")]
    pub secrets: Vec<String>,
    /// Let /metrics be read without a key.
    #[arg(long)]
    pub open_metrics: bool,
}

/// What a request may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// The size of a request's body.
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    pub max_body: ByteSize,
    /// The rows in one request.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_rows: u32,
    /// The time from the end of a request to its answer, waiting included.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub timeout: TimeSpan,
    /// The time for a request's body to arrive.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub body_timeout: TimeSpan,
    /// The requests that are scored at once [default: two for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub concurrency: Option<u32>,
    /// The requests that wait for their turn; more are turned away.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub queue: u32,
    /// The connections that are open at once; more wait.
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// The memory of one of the model's instances, of which there is one for each request that is scored at once.
    #[arg(long, value_name = "SIZE", default_value = "512MiB")]
    pub memory: ByteSize,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAt {
    /// At an address.
    Address(SocketAddr),
    /// On the socket that is the standard input.
    Stdin,
}

impl FromStr for ListenAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "stdin" {
            return Ok(Self::Stdin);
        }
        let address = text.replacen("localhost:", "127.0.0.1:", usize::from(text.starts_with("localhost:")));
        address
            .parse()
            .map(Self::Address)
            .map_err(|_| "expected `stdin`, or an address and a port such as `0.0.0.0:8080`".to_owned())
    }
}

/// A package and its share of the requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageShare {
    /// The package's digest.
    pub digest: String,
    /// Its share in percent; none where it is the only one.
    pub percent: Option<u8>,
}

impl FromStr for PackageShare {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digest, percent) = match text.split_once('=') {
            Some((digest, percent)) => (digest, Some(percent)),
            None => (text, None),
        };
        let percent = percent.map(|percent| {
            let parsed = percent.parse().ok().filter(|percent| *percent <= 100);
            parsed.ok_or_else(|| format!("expected a share from 0 to 100 behind `=`, found `{percent}`"))
        });
        Ok(Self { digest: digest.to_owned(), percent: percent.transpose()? })
    }
}

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTo {
    /// To standard error.
    Stderr,
    /// Nowhere.
    Off,
    /// To the end of a file.
    File(PathBuf),
}

impl FromStr for LogTo {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "stderr" => Self::Stderr,
            "off" => Self::Off,
            path => Self::File(path.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_stands_behind_the_digest() {
        let share = |text: &str| text.parse::<PackageShare>().map(|share| (share.digest, share.percent));
        assert_eq!(share("sha256:ab"), Ok(("sha256:ab".to_owned(), None)));
        assert_eq!(share("sha256:ab=5"), Ok(("sha256:ab".to_owned(), Some(5))));
        assert_eq!(share("sha256:ab=101"), Err("expected a share from 0 to 100 behind `=`, found `101`".to_owned()));
        assert_eq!(share("sha256:ab="), Err("expected a share from 0 to 100 behind `=`, found ``".to_owned()));
    }

    #[test]
    fn an_address_has_a_port() {
        let at = |text: &str| text.parse::<ListenAt>();
        assert_eq!(at("stdin"), Ok(ListenAt::Stdin));
        assert_eq!(at("localhost:80"), Ok(ListenAt::Address(([127, 0, 0, 1], 80).into())));
        assert_eq!(at("[::1]:80"), Ok(ListenAt::Address("[::1]:80".parse().unwrap())));
        assert!(at("127.0.0.1").unwrap_err().starts_with("expected `stdin`, or an address and a port"));
    }
}
