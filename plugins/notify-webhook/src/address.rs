//! The address of a webhook: which parts of it are secrets.

use sprag_sdk::Failure;

/// The address with what `placeholder` gives for a secret in the place of each `{NAME}`.
///
/// # Errors
///
/// It is no address, a brace stands where none may, or a secret is not to be had.
pub(crate) fn filled(url: &str, mut placeholder: impl FnMut(&str) -> Result<String, Failure>) -> Result<String, Failure> {
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Failure::BadParams(format!("expected `url` to begin with `https://`, found `{}`", host(url))));
    }
    if host(url).contains(['{', '}']) {
        return Err(Failure::BadParams(format!(
            "expected secrets in the path or the query of `url` alone, since grants name the host, found `{}` as host",
            host(url)
        )));
    }
    let (mut filled, mut rest) = (String::new(), url);
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').unwrap_or_default();
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(is_name) || before.contains('}') {
            return Err(wrong(url));
        }
        filled.push_str(before);
        filled.push_str(&placeholder(name)?);
        rest = after;
    }
    if rest.contains('}') {
        return Err(wrong(url));
    }
    Ok(filled + rest)
}

fn wrong(url: &str) -> Failure {
    Failure::BadParams(format!(
        "expected `{{NAME}}` with the name of a secret in `url`, found other braces in that of `{}`",
        host(url)
    ))
}

/// The host of an address, since its path may be a secret.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(url: &str) -> Result<String, Failure> {
        filled(url, |name| match name {
            "missing" => Err(Failure::BadParams("no such secret".into())),
            name => Ok(format!("P-{name}")),
        })
    }

    #[test]
    fn names_of_secrets_stand_for_them() {
        let check = |url: &str, expected: &str| assert_eq!(fill(url), Ok(expected.to_owned()), "{url}");
        check("https://hooks.slack.com/services/{slack-hook}", "https://hooks.slack.com/services/P-slack-hook");
        check("https://a.example.com/{one}/x?sig={two}&v=1", "https://a.example.com/P-one/x?sig=P-two&v=1");
        check("http://127.0.0.1:8080/plain", "http://127.0.0.1:8080/plain");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let check = |url: &str, words: &str| match fill(url) {
            Err(Failure::BadParams(message)) => assert!(message.contains(words), "{url}: {message}"),
            other => panic!("{url}: {other:?}"),
        };
        // A path may be a secret that somebody wrote out: no words repeat it.
        check("", "expected `url` to begin with `https://`, found ``");
        check("hooks.example.com/T0/literal", "expected `url` to begin with `https://`, found `hooks.example.com`");
        check(
            "https://{hook}/x",
            "expected secrets in the path or the query of `url` alone, since grants name the host, found `{hook}`",
        );
        for url in ["https://a/{", "https://a/{}", "https://a/{x y}", "https://a/x}", "https://a/}{x}", "https://a/{{x}}"] {
            check(url, "found other braces");
        }
        check("https://a/{missing}", "no such secret");
    }
}
