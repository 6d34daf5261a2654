//! Which path and query an event asks for.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986, section 2.3: what stands for itself everywhere.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What must not stand in a path that is encoded already.
const NOT_IN_PATH: &AsciiSet = &NOT_UNRESERVED.remove(b'/').remove(b'%');
/// What must not stand in a query.
const NOT_IN_QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// The path of the request.
///
/// API Gateway gives the path decoded, and with the stage in front: in it, a `#`, a `?` or a `..` of the id could name
/// another resource. So it is made from the route's template and the path parameters. An event without a template
/// (a function URL, `cargo lambda`) has its path as it was sent.
pub(super) fn path(
    template: Option<&str>,
    parameters: &HashMap<String, String>,
    path: Option<&str>,
) -> String {
    match template.filter(|template| template.starts_with('/')) {
        Some(template) => fill(template, parameters),
        None => as_sent(path),
    }
}

/// A path as it was sent: encoded, except for what a client has failed to encode.
pub(super) fn as_sent(path: Option<&str>) -> String {
    utf8_percent_encode(path.unwrap_or("/"), NOT_IN_PATH).to_string()
}

/// The request target (RFC 9112, section 3.2.1).
pub(super) fn with_query(path: String, query: &str) -> String {
    if query.is_empty() { path } else { format!("{path}?{}", utf8_percent_encode(query, NOT_IN_QUERY)) }
}

/// `/analyses/{id}` with the id in its place; `/{proxy+}` with all that it stands for.
fn fill(template: &str, parameters: &HashMap<String, String>) -> String {
    let value = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
    let encoded = |value: &str| utf8_percent_encode(value, NOT_UNRESERVED).to_string();
    let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => value(name).split('/').map(encoded).collect::<Vec<_>>().join("/"),
            None => encoded(value(name)),
        },
        None => part.to_owned(),
    };
    template.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_comes_from_the_template_whatever_the_path_seems_to_say() {
        for (raw_path, id, target) in [
            ("/prod/analyses/a", "a", "/analyses/a"),
            ("/analyses/victim#x", "victim#x", "/analyses/victim%23x"),
            ("/analyses/x/../victim", "x/../victim", "/analyses/x%2F..%2Fvictim"),
            ("/analyses/..", "..", "/analyses/.."),
            ("/analyses/vic\ttim", "vic\ttim", "/analyses/vic%09tim"),
            ("/analyses/%76ictim", "%76ictim", "/analyses/%2576ictim"),
            ("/analyses/é?x", "é?x", "/analyses/%C3%A9%3Fx"),
        ] {
            let id = HashMap::from([("id".to_owned(), id.to_owned())]);
            assert_eq!(path(Some("/analyses/{id}"), &id, Some(raw_path)), target);
        }
        assert_eq!(path(Some("/stats"), &HashMap::new(), Some("/prod/stats")), "/stats");
    }

    #[test]
    fn a_route_for_all_paths_has_the_segments_of_the_path() {
        for (rest, target) in [
            ("analyses", "/analyses"),
            ("analyses/a", "/analyses/a"),
            ("analyses/victim#x", "/analyses/victim%23x"),
            ("analyses/victim?x", "/analyses/victim%3Fx"),
            ("analyses/%76ictim", "/analyses/%2576ictim"),
        ] {
            let rest = HashMap::from([("proxy".to_owned(), rest.to_owned())]);
            assert_eq!(path(Some("/{proxy+}"), &rest, Some("/prod/other")), target);
        }
    }

    #[test]
    fn without_a_template_the_path_is_taken_as_it_was_sent() {
        for template in [None, Some("$default")] {
            assert_eq!(path(template, &HashMap::new(), Some("/analyses/a%20b")), "/analyses/a%20b");
            assert_eq!(path(template, &HashMap::new(), Some("/analyses/victim#x")), "/analyses/victim%23x");
            assert_eq!(path(template, &HashMap::new(), None), "/");
        }
    }

    #[test]
    fn a_query_says_what_it_said_and_ends_no_target() {
        assert_eq!(with_query("/stats".into(), "a=b c#d&e=%20"), "/stats?a=b%20c%23d&e=%20");
        assert_eq!(with_query("/stats".into(), ""), "/stats");
    }
}
