//! Settings that are lists: the names that the server answers to, and the origins whose pages may use it.

use analysis_storage::Error;
use analysis_storage::config::{DefaultValue, Environment, Variable};
use axum::http::Uri;
use axum::http::uri::Scheme;

pub(super) const HOSTS: Variable = Variable {
    name: "ALLOWED_HOSTS",
    fallbacks: &[],
    default: DefaultValue::Words("none"),
    meaning: "names that a server without a token answers to beside its own, separated by commas; `*` for any",
    is_secret: false,
};
pub(super) const ORIGINS: Variable = Variable {
    name: "CORS_ORIGINS",
    fallbacks: &[],
    default: DefaultValue::Words("none"),
    meaning: "origins whose web pages may use the server, such as `https://app.example.com`, separated by commas",
    is_secret: false,
};

/// The host names, as they are written.
pub(super) fn hosts(environment: &Environment<'_>) -> Result<Vec<String>, Error> {
    let is_part_of_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let is_host = |name: &str| {
        let has_name = name.contains(|c: char| c.is_ascii_alphanumeric());
        name == "*"
            || (has_name && name.chars().all(is_part_of_name))
            || name.parse::<std::net::IpAddr>().is_ok()
    };
    let expected = "a list of host names without scheme and port, separated by commas";
    list(environment, &HOSTS, is_host, expected)
}

/// The origins, as browsers send them.
pub(super) fn origins(environment: &Environment<'_>) -> Result<Vec<String>, Error> {
    let expected = "a list of origins as browsers send them, such as https://app.example.com, without path and the scheme's own port, separated by commas";
    list(environment, &ORIGINS, is_origin, expected)
}

/// RFC 6454, section 6.2: `scheme "://" host [ ":" port ]`, in lower case, the port only if it is not the scheme's own.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else { return false };
    let own_port = match scheme {
        s if *s == Scheme::HTTP => 80,
        s if *s == Scheme::HTTPS => 443,
        _ => return false,
    };
    let host = match authority.port_u16() {
        Some(port) if port != own_port => format!("{}:{port}", authority.host()),
        _ => authority.host().to_owned(),
    };
    text == format!("{scheme}://{host}").to_ascii_lowercase()
}

fn list(
    environment: &Environment<'_>,
    variable: &Variable,
    is_valid: impl Fn(&str) -> bool,
    expected: &str,
) -> Result<Vec<String>, Error> {
    let Some(text) = environment.get(variable) else { return Ok(Vec::new()) };
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.iter().all(|part| is_valid(part)) {
        Ok(parts.into_iter().map(str::to_owned).collect())
    } else {
        Err(variable.wrong(&text, expected))
    }
}
