//! What an API server says when it refuses, and what that means for a stage.

use serde::Deserialize;
use sprag_sdk::Failure;
use sprag_sdk::http::Response;

/// Why the cluster did not do what was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum KubeError {
    /// It answered with an error.
    #[error("the cluster refused to {what} with status {status}: {}", .problem.line())]
    Refused {
        /// What was asked: a verb, a kind and a name.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        problem: Problem,
    },
    /// Somebody else set fields of ours.
    #[error("expected sprag alone to manage the fields that it sets when asked to {what}, found {}", owners(.causes))]
    Contested {
        /// What was asked.
        what: String,
        /// Who set which fields.
        causes: Vec<Cause>,
    },
    /// There was no answer that could be used, or the run was cancelled.
    #[error("{}", .0.message())]
    Stage(Failure),
}

/// The object `Status`, as API servers answer with it:
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    /// A word for programs, such as `NotFound`.
    reason: String,
    message: String,
    details: Details,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

/// One reason among several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Cause {
    reason: String,
    message: String,
    field: String,
}

impl KubeError {
    /// Of an answer that is no success.
    pub(crate) fn of(what: &str, response: &Response) -> Self {
        let problem: Problem =
            response.json().ok().filter(|problem: &Problem| !problem.message.is_empty()).unwrap_or_else(|| {
                let words = response.excerpt();
                Problem { message: if words.is_empty() { "no reason given".to_owned() } else { words }, ..Problem::default() }
            });
        let contested: Vec<_> =
            problem.details.causes.iter().filter(|cause| cause.reason == "FieldManagerConflict").cloned().collect();
        if response.status == 409 && !contested.is_empty() {
            return Self::Contested { what: what.to_owned(), causes: contested };
        }
        Self::Refused { what: what.to_owned(), status: response.status, problem }
    }

    /// The HTTP status; 0 where there was no answer.
    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::Refused { status, .. } => *status,
            Self::Contested { .. } => 409,
            Self::Stage(_) => 0,
        }
    }
}

impl Problem {
    fn line(&self) -> String {
        self.message.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
    }
}

/// Who set which fields, each manager once.
fn owners(causes: &[Cause]) -> String {
    let mut owners: Vec<(&str, Vec<&str>)> = vec![];
    for Cause { message, field, .. } in causes {
        // `conflict with "kubectl-edit" using apps/v1`
        let owner = message.split('"').nth(1).unwrap_or(message);
        match owners.iter_mut().find(|(known, _)| *known == owner) {
            Some((_, fields)) => fields.push(field),
            None => owners.push((owner, vec![field])),
        }
    }
    let told = owners.iter().map(|(owner, fields)| format!("`{}` set by `{owner}`", fields.join("`, `")));
    told.collect::<Vec<_>>().join("; ")
}

impl From<Failure> for KubeError {
    fn from(failure: Failure) -> Self {
        Self::Stage(failure)
    }
}

impl From<KubeError> for Failure {
    fn from(error: KubeError) -> Self {
        let message = error.to_string();
        match error {
            KubeError::Stage(failure) => failure,
            KubeError::Contested { .. } => {
                Self::BadParams(format!("{message}; undo that change, or set `take_over = true` to set the fields back"))
            }
            KubeError::Refused { status, problem, .. } => match status {
                401 => Self::BadParams(format!("{message}; is the token or the client certificate of the secret still valid?")),
                403 => Self::BadParams(format!(
                    "{message}; bind the user of the secret to a role that allows it: docs/guides/kubernetes.md has one"
                )),
                404 if problem.reason.is_empty()
                    || problem.message.contains("the server could not find the requested resource") =>
                {
                    Self::BadParams(format!(
                        "{message}; does the cluster know this kind of object, and does the address have no path too many?"
                    ))
                }
                409 | 429 | 500.. => Self::Retry(message),
                _ => Self::BadParams(message),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: vec![], body: body.as_bytes().to_vec() }
    }

    fn status(reason: &str, message: &str) -> String {
        format!(r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"{reason}","message":"{message}"}}"#)
    }

    #[test]
    fn each_status_says_what_to_do() {
        let check = |code, reason: &str, may_pass: bool, words: &str| {
            let failure = Failure::from(KubeError::of("read Service x", &response(code, &status(reason, "it is so"))));
            assert_eq!(matches!(failure, Failure::Retry(_)), may_pass, "{failure:?}");
            assert!(
                failure.message().starts_with(&format!("the cluster refused to read Service x with status {code}: it is so")),
                "{failure:?}"
            );
            assert!(failure.message().contains(words), "{failure:?}");
        };
        check(401, "Unauthorized", false, "still valid");
        check(403, "Forbidden", false, "role");
        check(404, "", false, "know this kind");
        check(409, "Conflict", true, "");
        check(422, "Invalid", false, "");
        check(429, "TooManyRequests", true, "");
        check(503, "ServiceUnavailable", true, "");
    }

    #[test]
    fn a_conflict_names_who_set_what() {
        let body = r#"{"kind":"Status","reason":"Conflict","message":"Apply failed with 3 conflicts","details":{"causes":[
            {"reason":"FieldManagerConflict","message":"conflict with \"kubectl-edit\" using apps/v1","field":".spec.a"},
            {"reason":"FieldManagerConflict","message":"conflict with \"argocd\"","field":".spec.b"},
            {"reason":"FieldManagerConflict","message":"conflict with \"kubectl-edit\" using apps/v1","field":".spec.c"}]},"code":409}"#;
        let failure = Failure::from(KubeError::of("apply Deployment x", &response(409, body)));
        assert_eq!(
            failure.message(),
            "expected sprag alone to manage the fields that it sets when asked to apply Deployment x, found `.spec.a`, `.spec.c` set by `kubectl-edit`; \
             `.spec.b` set by `argocd`; undo that change, or set `take_over = true` to set the fields back"
        );
        assert!(matches!(failure, Failure::BadParams(_)));
    }

    #[test]
    fn what_is_no_status_is_shown_as_it_is() {
        let error = KubeError::of("read Service x", &response(502, "<html>bad gateway</html>"));
        assert_eq!(error.to_string(), "the cluster refused to read Service x with status 502: <html>bad gateway</html>");
        assert!(KubeError::of("x", &response(502, "")).to_string().ends_with("no reason given"));
    }
}
