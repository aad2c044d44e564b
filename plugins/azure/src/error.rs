//! What Azure says when it refuses, and what that means for a stage.

use serde::Deserialize;
use sprag_sdk::Failure;
use sprag_sdk::http::Response;

/// Why Azure did not do what was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ArmError {
    /// It answered with an error.
    #[error("Azure refused to {what} with status {status}: {problem}")]
    Refused {
        /// What was asked: a verb and an id.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The error's code, such as `AuthorizationFailed`; empty where it gave none.
        code: String,
        /// The error in one line, with its details and the id by which Azure's support finds it.
        problem: String,
    },
    /// It began and did not succeed.
    #[error("Azure began to {what}, and it ended as `{status}`: {problem}")]
    Failed {
        /// What was asked.
        what: String,
        /// The state in which it ended.
        status: String,
        /// The error in one line.
        problem: String,
    },
    /// It had not ended in time.
    #[error(
        "Azure did not {what} within {seconds} s, and goes on with it (last state `{state}`): run again to find it, or raise `azure.timeout_seconds`"
    )]
    Unfinished {
        /// What was asked.
        what: String,
        /// The limit.
        seconds: u64,
        /// The last state that was seen.
        state: String,
    },
    /// There was no answer that could be used, or the run was cancelled.
    #[error("{}", .0.message())]
    Stage(Failure),
}

impl ArmError {
    /// Whether another operation was in the way.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Refused { status: 409, problem, .. } if problem.to_ascii_lowercase().contains(BUSY))
    }
}

/// How App Service says in words what it has no code for.
const BUSY: &str = "another operation is in progress";

impl From<Failure> for ArmError {
    fn from(failure: Failure) -> Self {
        Self::Stage(failure)
    }
}

impl From<ArmError> for Failure {
    fn from(error: ArmError) -> Self {
        let message = error.to_string();
        match error {
            ArmError::Stage(failure) => failure,
            ArmError::Unfinished { .. } => Self::Retry(message),
            ArmError::Failed { .. } => Self::BadInput(message),
            ArmError::Refused { status: 401, .. } => Self::BadParams(format!(
                "{message}; is the identity of the secret still valid, and its tenant that of the subscription?"
            )),
            ArmError::Refused { status: 403, .. } => Self::BadParams(format!(
                "{message}; give the identity of the secret a role that allows it, such as Contributor of the resource group"
            )),
            ArmError::Refused { status: 404, code, .. } if code == "ResourceGroupNotFound" => {
                Self::BadParams(format!("{message}; `sprag provision` makes the resource group"))
            }
            ArmError::Refused { status: 409 | 412 | 429 | 500.., .. } => Self::Retry(message),
            ArmError::Refused { .. } => Self::BadParams(message),
        }
    }
}

/// The error object of Azure's answers: <https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md#handling-errors>.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    pub(crate) code: String,
    message: String,
    target: Option<String>,
    details: Vec<Self>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: Option<Problem>,
    /// Some providers give code and message without the object around them; App Service writes them with capitals.
    #[serde(alias = "Code")]
    code: String,
    #[serde(alias = "Message")]
    message: String,
}

impl Problem {
    /// Of an answer's body.
    pub(crate) fn of(response: &Response) -> Self {
        match serde_json::from_slice::<Body>(&response.body) {
            Ok(Body { error: Some(problem), .. }) => problem,
            Ok(Body { code, message, .. }) if !message.is_empty() => Self { code, message, ..Self::default() },
            _ => Self { message: response.excerpt(), ..Self::default() },
        }
    }

    /// Whether it says that another operation is at work.
    pub(crate) fn is_busy(&self) -> bool {
        self.message.to_ascii_lowercase().contains(BUSY)
    }

    /// In one line, with details.
    pub(crate) fn line(&self) -> String {
        /// How many details are told: a deployment of a large template can have hundreds.
        const MOST: usize = 5;
        let mut line = match (self.code.is_empty(), self.message.is_empty()) {
            (false, false) => format!("{}: {}", self.code, one_line(&self.message)),
            (false, true) => self.code.clone(),
            (true, false) => one_line(&self.message),
            (true, true) => "no reason given".to_owned(),
        };
        if let Some(target) = self.target.as_deref().filter(|target| !target.is_empty()) {
            line = format!("{line} (at `{target}`)");
        }
        for detail in self.details.iter().take(MOST) {
            line = format!("{line}; {}", detail.line());
        }
        line
    }

    pub(crate) fn refused(&self, what: &str, response: &Response) -> ArmError {
        let id = response.header("x-ms-correlation-request-id").or_else(|| response.header("x-ms-request-id"));
        let traced = id.map(|id| format!(" (correlation id {id})")).unwrap_or_default();
        let problem = format!("{}{traced}", self.line());
        ArmError::Refused { what: what.to_owned(), status: response.status, code: self.code.clone(), problem }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        let headers = vec![("x-ms-correlation-request-id".to_owned(), "c-1".to_owned())];
        Response { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn an_error_is_shown_with_its_details_and_the_id_for_support() {
        let body = r#"{"error":{"code":"InvalidTemplate","message":"It is\n wrong.","target":"properties",
            "details":[{"code":"InvalidImage","message":"no such image"}]}}"#;
        let response = response(400, body);
        let error = Problem::of(&response).refused("put /x", &response);
        assert_eq!(
            error.to_string(),
            "Azure refused to put /x with status 400: InvalidTemplate: It is wrong (at `properties`); InvalidImage: no such image (correlation id c-1)"
        );
        assert!(matches!(Failure::from(error), Failure::BadParams(_)));
    }

    #[test]
    fn an_error_in_another_shape_is_shown_too() {
        let check = |body: &str, line: &str| assert_eq!(Problem::of(&response(500, body)).line(), line, "{body}");
        check(r#"{"Code":"Conflict","Message":"busy"}"#, "Conflict: busy");
        check("<html>gateway</html>", "<html>gateway</html>");
        check("", "no reason given");
        check(r#"{"error":{"code":"X"}}"#, "X");
    }

    #[test]
    fn each_status_says_what_to_do() {
        let check = |status, code: &str, transient: bool, words: &str| {
            let response = response(status, &format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#));
            let failure = Failure::from(Problem::of(&response).refused("put /x", &response));
            assert_eq!(matches!(failure, Failure::Retry(_)), transient, "{failure:?}");
            assert!(failure.message().contains(words), "{failure:?}");
        };
        check(401, "ExpiredAuthenticationToken", false, "tenant");
        check(403, "AuthorizationFailed", false, "role");
        check(404, "ResourceGroupNotFound", false, "sprag provision");
        check(409, "Conflict", true, "Conflict");
        check(429, "TooManyRequests", true, "TooManyRequests");
        check(503, "ServerBusy", true, "ServerBusy");
    }
}
