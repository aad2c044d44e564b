//! Arguments of `sprag server`, `sprag token` and `sprag audit`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sprag_schemas::quantity::TimeSpan;
use sprag_schemas::server::Role;

/// Arguments of `sprag server`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sprag server\n  sprag server models/diabetes models/churn --jobs 2\n  sprag server --listen 0.0.0.0:4180 --tls-certificate chain.pem --tls-key key.pem\n\n  curl -X POST http://127.0.0.1:4180/api/v1/pipelines/diabetes/runs\n\nSIGTERM and Ctrl-C stop the runs that are under way, which wait for their turn again; a second one ends the process at once."
)]
pub struct ServerArgs {
    /// The folders of the projects to look after [default: the project's own]. The first one's store holds the tokens and the audit log.
    #[arg(value_name = "DIR")]
    pub projects: Vec<PathBuf>,
    /// Where to listen: an address with a port, port 0 for a free one. Elsewhere than on loopback it takes TLS, or a proxy that stands before it.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4180")]
    pub listen: SocketAddr,
    /// A file with the certificate that clients are shown, and those that vouch for it, PEM. It is read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// A file with its private key, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// State that a proxy with TLS stands before the server and writes `X-Forwarded-For`: nobody else can reach it.
    #[arg(long)]
    pub behind_proxy: bool,
    /// A file that says how people log in by OpenID Connect (`sprag schema oidc` describes it). With it, nobody is let in without a login or a token.
    #[arg(long, value_name = "FILE")]
    pub oidc: Option<PathBuf>,
    /// How many runs of different projects go on at once.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub jobs: usize,
    /// A key to sign with for an approver who uses the page: the user of the token, and the file of an Ed25519 key that the project's file of approvers lists under that name.
    #[arg(long = "approver-key", value_name = "USER=KEYFILE")]
    pub approver_keys: Vec<String>,
    /// A file to write the URL to once requests are answered.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// How long answers may take after the server was asked to stop.
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub drain: TimeSpan,
}

/// Arguments of `sprag token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// The commands of `sprag token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token: it is shown once, and kept nowhere.
    #[command(
        after_help = "Examples:\n  sprag token add ci --role runner --expires 2160h\n  sprag token add ada --role approver --role runner"
    )]
    Add {
        /// Whose it is: the name that records and the audit log show.
        #[arg(value_name = "USER")]
        user: String,
        /// What its owner may do.
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<RoleName>,
        /// For how long it counts. Default: until it is taken back.
        #[arg(long, value_name = "TIME")]
        expires: Option<TimeSpan>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the tokens.
    #[command(after_help = "Example:\n  sprag token list")]
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a token back.
    #[command(after_help = "Example:\n  sprag token revoke Zk3x9QpA")]
    Revoke {
        /// Its id.
        #[arg(value_name = "ID", allow_hyphen_values = true)]
        id: String,
    },
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// Read all that there is.
    Viewer,
    /// Read, and start and stop runs.
    Runner,
    /// Read, and approve or reject what waits.
    Approver,
    /// All of it.
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Runner => Self::Runner,
            RoleName::Approver => Self::Approver,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// Arguments of `sprag audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// The commands of `sprag audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Print the audit log, oldest first.
    #[command(after_help = "Example:\n  sprag audit show --json")]
    Show {
        /// How many of the newest entries.
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: usize,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Hold the audit log against its chain: each entry names the digest of the one before.
    #[command(after_help = "Examples:\n  sprag audit verify\n  sprag audit verify --known sha256:5e2f...")]
    Verify {
        /// The digest of an entry that was written down elsewhere: the log must hold it. Without one, nobody can tell that entries were cut off at the end.
        #[arg(long, value_name = "DIGEST")]
        known: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}
