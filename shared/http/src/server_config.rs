//! The configuration of the server: where it listens, and the token it asks for.

use std::fmt;

use analysis_storage::Error;
use analysis_storage::config::{DefaultValue, Environment, Variable};

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
}

impl ServerConfig {
    /// The variables that are read.
    pub const VARIABLES: [Variable; 3] = [HOST, PORT, TOKEN];

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
        ] {
            let error = config(&[variable]).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn the_token_is_not_logged() {
        let config = config(&[("API_TOKEN", "s3cret")]).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
