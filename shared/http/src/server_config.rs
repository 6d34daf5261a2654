//! The configuration of the server: where it listens, whom it answers, and how much it takes on at once.

mod lists;

use std::fmt;

use analysis_storage::Error;
use analysis_storage::config::{DefaultValue, Environment, Variable, parse_size};

const HOST: Variable = Variable {
    name: "API_HOST",
    fallbacks: &[],
    default: DefaultValue::Value("127.0.0.1"),
    meaning: "address the server listens on",
    is_secret: false,
};
const PORT: Variable = Variable {
    name: "API_PORT",
    fallbacks: &[],
    default: DefaultValue::Value("8000"),
    meaning: "port the server listens on; 0 takes a free one",
    is_secret: false,
};
const TOKEN: Variable = Variable {
    name: "API_TOKEN",
    fallbacks: &[],
    default: DefaultValue::Words("none"),
    meaning: "bearer token that callers of the server must send",
    is_secret: true,
};

const MEMORY_BUDGET: Variable = Variable {
    name: "MEMORY_BUDGET",
    fallbacks: &[],
    default: DefaultValue::Words("half of the container's memory, else a quarter of the machine's"),
    meaning: "memory that documents may take in the server at once, such as `256MB`",
    is_secret: false,
};
const CONNECTIONS_PER_PEER: Variable = Variable {
    name: "CONNECTIONS_PER_PEER",
    fallbacks: &[],
    default: DefaultValue::Words("half of all"),
    meaning: "connections that the server serves at once for one address; 0 sets no cap, as behind a proxy",
    is_secret: false,
};

/// A word that must not appear in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The word itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The settings of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// `API_HOST`: the address it listens on.
    pub host: String,
    /// `API_PORT`: the port it listens on.
    pub port: u16,
    /// `API_TOKEN`: the bearer token that callers must send.
    pub token: Option<Secret>,
    /// `ALLOWED_HOSTS`: names beside its own that it answers to without a token.
    pub allowed_hosts: Vec<String>,
    /// `CORS_ORIGINS`: the origins whose web pages may use it.
    pub cors_origins: Vec<String>,
    /// `MEMORY_BUDGET`: the bytes that documents may take at once, if that is set.
    pub memory_budget: Option<u64>,
    /// `CONNECTIONS_PER_PEER`: how many connections one address may have, if that is set; 0 for any number.
    pub connections_per_peer: Option<usize>,
}

impl ServerConfig {
    /// The variables that are read.
    pub const VARIABLES: [Variable; 7] =
        [HOST, PORT, TOKEN, lists::HOSTS, lists::ORIGINS, MEMORY_BUDGET, CONNECTIONS_PER_PEER];

    /// The settings in the variables of this process.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] names the variable and what it takes.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_environment(&Environment::of_process())
    }

    /// The settings in any set of variables.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] names the variable and what it takes.
    pub fn from_environment(environment: &Environment<'_>) -> Result<Self, Error> {
        Ok(Self {
            host: environment.text(&HOST),
            port: environment.parse(&PORT, "a port from 0 to 65535")?,
            token: token(environment)?,
            allowed_hosts: lists::hosts(environment)?,
            cors_origins: lists::origins(environment)?,
            memory_budget: memory_budget(environment)?,
            connections_per_peer: connections_per_peer(environment)?,
        })
    }
}

fn token(environment: &Environment<'_>) -> Result<Option<Secret>, Error> {
    match environment.get(&TOKEN) {
        // RFC 6750, section 2.1: what fits an Authorization header.
        Some(token) if !token.chars().all(|c| c.is_ascii_graphic()) => Err(Error::Misconfigured {
            advice: "API_TOKEN is not a token: it may hold visible ASCII characters only, no spaces".into(),
            source: None,
        }),
        token => Ok(token.map(Secret)),
    }
}

fn memory_budget(environment: &Environment<'_>) -> Result<Option<u64>, Error> {
    let Some(text) = environment.get(&MEMORY_BUDGET) else { return Ok(None) };
    let size = parse_size(&text).ok().filter(|bytes| *bytes > 0);
    size.map(Some).ok_or_else(|| MEMORY_BUDGET.wrong(&text, "a number of bytes, or a size such as 256MB"))
}

fn connections_per_peer(environment: &Environment<'_>) -> Result<Option<usize>, Error> {
    let Some(text) = environment.get(&CONNECTIONS_PER_PEER) else { return Ok(None) };
    let expected = "a number of connections; 0 sets no cap";
    text.parse().map(Some).map_err(|_| CONNECTIONS_PER_PEER.wrong(&text, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<ServerConfig, Error> {
        ServerConfig::from_environment(&Environment::from_pairs(variables))
    }

    #[test]
    fn nothing_set_means_loopback_without_a_token() {
        let config = config(&[("API_TOKEN", "")]).unwrap();
        assert_eq!((config.host.as_str(), config.port, config.token), ("127.0.0.1", 8000, None));
    }

    #[test]
    fn wrong_values_name_their_variable() {
        for (variable, message) in [
            (("API_PORT", "70000"), "API_PORT=\"70000\" is not a port"),
            (("API_TOKEN", "two words"), "API_TOKEN is not a token"),
            (("MEMORY_BUDGET", "lots"), "MEMORY_BUDGET=\"lots\" is not a number of bytes"),
            (("MEMORY_BUDGET", "0"), "MEMORY_BUDGET=\"0\" is not a number of bytes"),
            (("CONNECTIONS_PER_PEER", "-1"), "CONNECTIONS_PER_PEER=\"-1\" is not a number of connections"),
            (("ALLOWED_HOSTS", "http://a"), "ALLOWED_HOSTS=\"http://a\" is not a list of host names"),
            (("ALLOWED_HOSTS", "a:80"), "ALLOWED_HOSTS=\"a:80\" is not a list of host names"),
            (("CORS_ORIGINS", "*"), "CORS_ORIGINS=\"*\" is not a list of origins"),
            (("CORS_ORIGINS", "https://a/"), "CORS_ORIGINS=\"https://a/\" is not a list of origins"),
            (("CORS_ORIGINS", "https://a:443"), "CORS_ORIGINS=\"https://a:443\" is not a list of origins"),
            (("CORS_ORIGINS", "http://a:80"), "CORS_ORIGINS=\"http://a:80\" is not a list of origins"),
            (("CORS_ORIGINS", "https://a:"), "CORS_ORIGINS=\"https://a:\" is not a list of origins"),
            (("CORS_ORIGINS", "https://a@b"), "CORS_ORIGINS=\"https://a@b\" is not a list of origins"),
            (("ALLOWED_HOSTS", "."), "ALLOWED_HOSTS=\".\" is not a list of host names"),
        ] {
            let error = config(&[variable]).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn origins_are_what_browsers_send() {
        let origins = "https://app.example.com, http://localhost:3000,https://a:80, http://[::1]:443";
        let config = config(&[("CORS_ORIGINS", origins)]).unwrap();
        let expected =
            ["https://app.example.com", "http://localhost:3000", "https://a:80", "http://[::1]:443"];
        assert_eq!(config.cors_origins, expected);
    }

    #[test]
    fn the_token_is_not_logged() {
        let config = config(&[("API_TOKEN", "s3cret")]).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
