//! Environment variables: how they are declared, and the one place that reads them.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// An environment variable, declared once: beside what reads it.
///
/// `design-analysis --help` and the table in `docs/configuration.md` say of it what stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The name of the variable.
    pub name: &'static str,
    /// Those that are read in its place while it is not set, in this order.
    pub fallbacks: &'static [&'static str],
    /// What holds if none of them is set.
    pub default: DefaultValue,
    /// What it is for, as Markdown.
    pub meaning: &'static str,
    /// Whether its value must not be shown.
    pub is_secret: bool,
}

/// What holds if a variable is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// This value.
    Value(&'static str),
    /// What these words say, as Markdown.
    Words(&'static str),
}

impl Variable {
    /// The value that holds if it is not set, if there is one.
    #[must_use]
    pub fn default_value(&self) -> Option<&'static str> {
        match self.default {
            DefaultValue::Value(value) => Some(value),
            DefaultValue::Words(_) => None,
        }
    }

    /// The default and what goes before it, as Markdown.
    #[must_use]
    pub fn default_text(&self) -> String {
        let last = match self.default {
            DefaultValue::Value(value) => format!("`{value}`"),
            DefaultValue::Words(words) => words.to_owned(),
        };
        let fallbacks = self.fallbacks.iter().map(|name| format!("`{name}`"));
        fallbacks.chain([last]).collect::<Vec<_>>().join(", else ")
    }

    /// The error for a value that is none: it names the variable, and says what it takes.
    #[must_use]
    pub fn wrong(&self, value: &str, expected: &str) -> Error {
        wrong(self.name, value, expected)
    }
}

pub(super) fn wrong(name: &str, value: &str, expected: &str) -> Error {
    Error::misconfigured(format!("{name}={value:?} is not {expected}"))
}

type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A set of variables to read settings from. Empty ones count as unset.
pub struct Environment<'a>(Box<Lookup<'a>>);

impl fmt::Debug for Environment<'_> {
    /// Without the values: secrets are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl<'a> Environment<'a> {
    /// The variables of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    #[must_use]
    pub fn of_process() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Any other set of variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self(Box::new(lookup))
    }

    /// These variables and no others.
    #[must_use]
    pub fn from_pairs(variables: &'a [(&str, &str)]) -> Self {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        Self::from_lookup(move |name| value(name).map(str::to_owned))
    }

    /// A variable that is no setting: others than the user set it.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The value of a variable, with the name of the one that has it: itself or a fallback.
    #[must_use]
    pub fn find(&self, variable: &Variable) -> Option<(&'static str, String)> {
        let mut names = [variable.name].into_iter().chain(variable.fallbacks.iter().copied());
        names.find_map(|name| Some((name, self.lookup(name)?)))
    }

    /// The value of a variable or of its fallbacks; `None` if none of them is set and it has no default value.
    #[must_use]
    pub fn get(&self, variable: &Variable) -> Option<String> {
        let default = || variable.default_value().map(str::to_owned);
        self.find(variable).map(|(_, value)| value).or_else(default)
    }

    /// The value of a variable that has a default value.
    #[must_use]
    pub fn text(&self, variable: &Variable) -> String {
        self.get(variable).unwrap_or_default()
    }

    /// The value of a variable that has a default value, parsed.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] names the variable and what is expected.
    pub fn parse<T: FromStr>(&self, variable: &Variable, expected: &str) -> Result<T> {
        let value = self.text(variable);
        value.parse().map_err(|_| variable.wrong(&value, expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: Variable = Variable {
        name: "A_PORT",
        fallbacks: &["B_PORT", "C_PORT"],
        default: DefaultValue::Value("80"),
        meaning: "where to listen",
        is_secret: false,
    };

    #[test]
    fn the_first_variable_that_is_set_counts_and_an_empty_one_is_not() {
        let value = |set: &[(&str, &str)]| {
            Environment::from_pairs(set).parse::<u16>(&PORT, "a port").map_err(|e| e.to_string())
        };
        assert_eq!(value(&[]), Ok(80));
        assert_eq!(value(&[("C_PORT", "3"), ("B_PORT", "2")]), Ok(2));
        assert_eq!(value(&[("C_PORT", "3"), ("B_PORT", ""), ("A_PORT", "1")]), Ok(1));
        assert_eq!(value(&[("A_PORT", "x")]), Err("A_PORT=\"x\" is not a port".to_owned()));
    }

    #[test]
    fn what_goes_before_a_default_is_said_with_it() {
        assert_eq!(PORT.default_text(), "`B_PORT`, else `C_PORT`, else `80`");
    }
}
