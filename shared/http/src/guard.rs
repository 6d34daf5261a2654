//! Whom the server answers: no web page of another site, as long as it asks for no token.
//!
//! A browser runs the scripts of any page and sends their requests to loopback, too. So without a token a request must
//! name a host that is the server's own (a foreign name that leads here is DNS rebinding), and must not come from
//! another site. Behind API Gateway an authorizer stands in its place.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::auth::OPEN;
use crate::problem::{HttpCode, Problem};
use crate::server_config::ServerConfig;

/// The longest path and query. A cursor with every filter takes less than a tenth of it.
const LONGEST_TARGET: usize = 8 << 10;
/// The most bytes that all headers may have, and the most headers.
const MOST_HEADER_BYTES: usize = 32 << 10;
const MOST_HEADERS: usize = 100;

/// What a request must be like to be served.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Whether a token is asked for, which no foreign page knows.
    has_token: bool,
    /// As [`normal`] has them.
    hosts: Vec<String>,
    /// Whether an address is as good as a name of the server's: it cannot be another's name for it.
    any_address: bool,
    origins: Vec<String>,
}

impl Guard {
    /// The guard of a server with this configuration, which listens on `host`, which is `address`.
    #[must_use]
    pub fn new(config: &ServerConfig, host: &str, address: IpAddr) -> Self {
        let own = [normal(host), normal(&address.to_string())];
        Self {
            has_token: config.token.is_some(),
            hosts: config.allowed_hosts.iter().map(|name| normal(name)).chain(own).collect(),
            any_address: !address.is_loopback(),
            origins: config.cors_origins.clone(),
        }
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        check_sizes(request)?;
        let host = host(request)?;
        if self.has_token || OPEN.contains(&request.uri().path()) {
            return Ok(());
        }
        // HTTP/1.0 may leave it out, and is no browser.
        let Some(host) = host else { return Ok(()) };
        if !self.is_own(&host) {
            let detail = format!(
                "without a token, the server does not answer as {:?}; add the name to ALLOWED_HOSTS, or set API_TOKEN",
                host.as_str()
            );
            return Err(Problem::new(HttpCode::HostNotAllowed, detail));
        }
        if self.is_same_site(request, &host) { Ok(()) } else { Err(cross_site()) }
    }

    fn is_own(&self, host: &Authority) -> bool {
        let name = normal(host.host());
        if self.hosts.iter().any(|own| *own == name || own == "*") {
            return true;
        }
        match name.parse::<IpAddr>() {
            Ok(address) => address.is_loopback() || self.any_address,
            Err(_) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// Whether the request comes from no web page, from one of the server's own, or from one that is allowed.
    fn is_same_site(&self, request: &Request, host: &Authority) -> bool {
        let headers = request.headers();
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            let own =
                origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host.as_str()));
            return headers.get_all(ORIGIN).iter().count() == 1
                && (own || self.origins.iter().any(|o| o == origin));
        }
        match text(headers, "sec-fetch-site") {
            None | Some("none" | "same-origin") => true,
            // Somebody follows a link. The page with the link sees nothing of the answer.
            Some(_) => {
                matches!(*request.method(), Method::GET | Method::HEAD)
                    && text(headers, "sec-fetch-mode") == Some("navigate")
                    && text(headers, "sec-fetch-dest") == Some("document")
            }
        }
    }
}

/// Middleware that lets only requests pass that the guard takes.
pub(crate) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// One text for all that name the same host: names have no case and may end with a dot, addresses of IPv6 have zeros that
/// may be left out.
fn normal(host: &str) -> String {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.parse::<IpAddr>().map_or_else(|_| name.to_owned(), |address| address.to_canonical().to_string())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn cross_site() -> Problem {
    let detail = "the request comes from a web page of another site; add that to CORS_ORIGINS, such as https://app.example.com";
    Problem::new(HttpCode::CrossSite, detail)
}

/// What the HTTP library would refuse a little later, without a word of why.
fn check_sizes(request: &Request) -> Result<(), Problem> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > LONGEST_TARGET {
        let detail = format!("path and query have {target} bytes; the limit is {LONGEST_TARGET}");
        return Err(Problem::new(HttpCode::TargetTooLong, detail));
    }
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > MOST_HEADER_BYTES || headers.len() > MOST_HEADERS {
        let detail = format!(
            "{} headers of {bytes} bytes; the limits are {MOST_HEADERS} and {MOST_HEADER_BYTES}",
            headers.len()
        );
        return Err(Problem::new(HttpCode::HeadersTooLarge, detail));
    }
    Ok(())
}

/// The host that is asked for (RFC 9112, section 3.2): that of the target, or else of the one `Host` there must be.
fn host(request: &Request) -> Result<Option<Authority>, Problem> {
    let invalid = |detail: &str| Problem::new(HttpCode::InvalidHeader, detail);
    let mut sent = request.headers().get_all(HOST).iter();
    let (first, second) = (sent.next(), sent.next());
    if second.is_some() {
        return Err(invalid("there are several `Host` headers; send one"));
    }
    let Some(first) = first else {
        return if request.version() < Version::HTTP_11 {
            Ok(None)
        } else {
            Err(invalid("there is no `Host` header, which HTTP/1.1 requires"))
        };
    };
    if let Some(authority) = request.uri().authority() {
        return Ok(Some(authority.clone()));
    }
    let host = first.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    let host = host.filter(|host| !host.as_str().contains('@'));
    host.map(Some).ok_or_else(|| invalid("the `Host` header is not a host with an optional port"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn guard(variables: &[(&str, &str)], host: &str, address: &str) -> Guard {
        use analysis_storage::config::Environment;
        let config = ServerConfig::from_environment(&Environment::from_pairs(variables)).unwrap();
        Guard::new(&config, host, address.parse().unwrap())
    }

    fn refusal(guard: &Guard, method: &str, path: &str, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        guard.check(&request.body(Body::empty()).unwrap()).err().map(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_host_is_loopback_or_configured() {
        let allowed = ("ALLOWED_HOSTS", "Files.internal, analyses.lan., 2001:DB8:0::1");
        let loopback = guard(&[allowed], "127.0.0.1", "127.0.0.1");
        let everywhere = guard(&[], "api.lan", "0.0.0.0");
        for (host, on_loopback, on_all) in [
            ("127.0.0.1:8000", None, None),
            ("localhost:8000", None, None),
            ("LOCALHOST.", None, None),
            ("app.localhost", None, None),
            ("[::1]:8000", None, None),
            ("files.internal", None, Some(421)),
            ("analyses.lan", None, Some(421)),
            ("analyses.lan.:80", None, Some(421)),
            ("[2001:db8:0:0::1]:80", None, None),
            ("[2001:db8::2]", Some(421), None),
            ("[::ffff:127.0.0.1]", None, None),
            ("api.lan:80", Some(421), None),
            ("10.1.2.3:8000", Some(421), None),
            ("evil.example", Some(421), Some(421)),
            ("localhost.evil.example", Some(421), Some(421)),
            ("127.0.0.1.evil.example", Some(421), Some(421)),
            ("localhost@evil.example", Some(400), Some(400)),
            ("", Some(400), Some(400)),
        ] {
            for (guard, expected) in [(&loopback, on_loopback), (&everywhere, on_all)] {
                assert_eq!(refusal(guard, "GET", "/stats", &[("host", host)]), expected, "{host}");
            }
        }
        assert_eq!(
            refusal(&loopback, "GET", "/health", &[("host", "10.1.2.3")]),
            None,
            "probes name an address"
        );
        let any = guard(&[("ALLOWED_HOSTS", "*")], "127.0.0.1", "127.0.0.1");
        assert_eq!(refusal(&any, "GET", "/stats", &[("host", "evil.example")]), None);
    }

    #[test]
    fn a_token_stands_in_place_of_host_and_origin() {
        let guard = guard(&[("API_TOKEN", "s3cret")], "127.0.0.1", "127.0.0.1");
        let headers = [("host", "evil.example"), ("origin", "https://evil.example")];
        assert_eq!(refusal(&guard, "POST", "/analyses", &headers), None);
    }

    #[test]
    fn web_pages_of_other_sites_are_refused() {
        let guard = guard(&[("CORS_ORIGINS", "https://app.example.com")], "127.0.0.1", "127.0.0.1");
        let page = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        for (method, headers, expected) in [
            ("POST", &[("origin", "http://localhost:8000")][..], None),
            ("POST", &[("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")], None),
            ("POST", &[("origin", "https://evil.example")], Some(403)),
            ("POST", &[("origin", "http://localhost:3000")], Some(403)),
            ("POST", &[("origin", "null")], Some(403)),
            ("POST", &[("origin", "https://app.example.com"), ("origin", "null")], Some(403)),
            ("GET", &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], Some(403)),
            ("GET", &[("sec-fetch-site", "same-site")], Some(403)),
            ("GET", &[("sec-fetch-site", "none"), page[0], page[1]], None),
            ("GET", &[("sec-fetch-site", "same-origin")], None),
            ("GET", &[("sec-fetch-site", "cross-site"), page[0], page[1]], None),
            ("GET", &[("sec-fetch-site", "cross-site"), page[0], ("sec-fetch-dest", "iframe")], Some(403)),
            ("POST", &[("sec-fetch-site", "cross-site"), page[0], page[1]], Some(403)),
        ] {
            let headers = [&[("host", "localhost:8000")], headers].concat();
            assert_eq!(refusal(&guard, method, "/analyses", &headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn http_1_1_needs_one_host() {
        let guard = guard(&[("API_TOKEN", "s3cret")], "127.0.0.1", "127.0.0.1");
        assert_eq!(refusal(&guard, "GET", "/stats", &[]), Some(400));
        assert_eq!(refusal(&guard, "GET", "/stats", &[("host", "a"), ("host", "b")]), Some(400));
        assert_eq!(refusal(&guard, "GET", "http://127.0.0.1/stats", &[("host", "a")]), None);
    }

    #[test]
    fn what_is_too_long_has_a_limit_of_its_own() {
        let guard = guard(&[], "127.0.0.1", "127.0.0.1");
        let host = ("host", "localhost");
        assert_eq!(refusal(&guard, "GET", &format!("/{}", "x".repeat(LONGEST_TARGET)), &[host]), Some(414));
        let long = "x".repeat(MOST_HEADER_BYTES);
        assert_eq!(refusal(&guard, "GET", "/stats", &[host, ("x-long", &long)]), Some(431));
        let many: Vec<_> = std::iter::repeat_n(("x-many", "1"), MOST_HEADERS).chain([host]).collect();
        assert_eq!(refusal(&guard, "GET", "/stats", &many), Some(431));
    }
}
