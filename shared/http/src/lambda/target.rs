//! Which path and query an event asks for.

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986, section 2.3: what stands for itself everywhere.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What must not stand in a path that is encoded already.
const NOT_IN_PATH: &AsciiSet = &NOT_UNRESERVED.remove(b'/').remove(b'%');
/// What must not stand in a query.
const NOT_IN_QUERY: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// The request target (RFC 9112, section 3.2.1).
///
/// API Gateway gives `rawPath` decoded, and with the stage in front: in it, a `#`, a `?` or a `..` of the id could
/// name another resource. So the path is made from the route's template and the path parameters. An event without
/// a template (a function URL, `cargo lambda`) has its path encoded as it was sent.
pub(super) fn from_event(event: &ApiGatewayV2httpRequest) -> String {
    let template =
        event.route_key.as_deref().and_then(|key| key.split_once(' ')).map(|(_, template)| template);
    let path = match template {
        Some(template) => fill(template, event),
        None => utf8_percent_encode(event.raw_path.as_deref().unwrap_or("/"), NOT_IN_PATH).to_string(),
    };
    match event.raw_query_string.as_deref() {
        None | Some("") => path,
        Some(query) => format!("{path}?{}", utf8_percent_encode(query, NOT_IN_QUERY)),
    }
}

/// `/analyses/{id}` with the id in its place.
fn fill(template: &str, event: &ApiGatewayV2httpRequest) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => {
            let value = event.path_parameters.get(name).map(String::as_str).unwrap_or_default();
            utf8_percent_encode(value, NOT_UNRESERVED).to_string()
        }
        None => part.to_owned(),
    };
    template.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(route_key: &str, raw_path: &str, id: Option<&str>, query: &str) -> ApiGatewayV2httpRequest {
        let mut event = ApiGatewayV2httpRequest::default();
        event.route_key = Some(route_key.into());
        event.raw_path = Some(raw_path.into());
        event.raw_query_string = Some(query.into());
        event.path_parameters.extend(id.map(|id| ("id".to_owned(), id.to_owned())));
        event
    }

    #[test]
    fn the_path_comes_from_the_template_whatever_the_raw_path_seems_to_say() {
        for (raw_path, id, target) in [
            ("/prod/analyses/a", "a", "/analyses/a"),
            ("/analyses/victim#x", "victim#x", "/analyses/victim%23x"),
            ("/analyses/x/../victim", "x/../victim", "/analyses/x%2F..%2Fvictim"),
            ("/analyses/..", "..", "/analyses/.."),
            ("/analyses/vic\ttim", "vic\ttim", "/analyses/vic%09tim"),
            ("/analyses/%76ictim", "%76ictim", "/analyses/%2576ictim"),
            ("/analyses/é?x", "é?x", "/analyses/%C3%A9%3Fx"),
        ] {
            assert_eq!(from_event(&event("GET /analyses/{id}", raw_path, Some(id), "")), target);
        }
        assert_eq!(
            from_event(&event("GET /stats", "/prod/stats", None, "a=b c#d&e=%20")),
            "/stats?a=b%20c%23d&e=%20"
        );
    }

    #[test]
    fn without_a_template_the_path_is_taken_as_it_was_sent() {
        assert_eq!(
            from_event(&event("$default", "/analyses/a%20b", None, "limit=1")),
            "/analyses/a%20b?limit=1"
        );
        assert_eq!(from_event(&event("$default", "/analyses/victim#x", None, "")), "/analyses/victim%23x");
    }
}
