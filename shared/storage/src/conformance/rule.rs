//! What the protocol relies on, one rule for each kind of request.

use std::fmt;

use serde::Serialize;

/// Something that a store must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// An object is created where none is.
    Create,
    /// None is created where one is.
    CreateOnce,
    /// Of many who create one object at once, one wins.
    OneCreator,
    /// An object is replaced by who knows its tag.
    Replace,
    /// None is replaced by who knows another.
    ReplaceMatching,
    /// Of many who replace one object at once, one wins.
    OneReplacer,
    /// An object is deleted by who knows its tag.
    Delete,
    /// None is deleted by who knows another.
    DeleteMatching,
    /// User metadata and content come back as they were written.
    Metadata,
    /// Listings are in the byte order of the keys.
    Order,
    /// A listing begins behind the key that it is told, and says whether more follows.
    StartAfter,
    /// Answers have a `Date`, by the clock that objects are dated by.
    Date,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Create,
        Self::CreateOnce,
        Self::OneCreator,
        Self::Replace,
        Self::ReplaceMatching,
        Self::OneReplacer,
        Self::Delete,
        Self::DeleteMatching,
        Self::Metadata,
        Self::Order,
        Self::StartAfter,
        Self::Date,
    ];

    /// The request that shows it.
    #[must_use]
    pub fn request(self) -> &'static str {
        match self {
            Self::Create => "PUT of a new key with If-None-Match: *",
            Self::CreateOnce => "PUT of a taken key with If-None-Match: *",
            Self::OneCreator => "many PUTs of one new key at once with If-None-Match: *",
            Self::Replace => "PUT with the right If-Match",
            Self::ReplaceMatching => "PUT with a wrong If-Match",
            Self::OneReplacer => "many PUTs of one key at once with the right If-Match",
            Self::Delete => "DELETE with the right If-Match",
            Self::DeleteMatching => "DELETE with a wrong If-Match",
            Self::Metadata => "GET of an object with user metadata",
            Self::Order => "LIST of keys with special characters",
            Self::StartAfter => "LIST with start-after and max-keys",
            Self::Date => "the header Date",
        }
    }
}

/// Whether a store keeps a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It does.
    Kept,
    /// It does not: what it did instead, to follow [`Rule::request`] and a colon.
    Broken(String),
    /// It may not be asked, with these credentials: why.
    Denied(String),
    /// There was no answer that tells.
    Unanswered(String),
}

/// What trying out a store has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conformance {
    /// Each rule that was tried, once, in the order of [`Rule::ALL`].
    pub rules: Vec<(Rule, Outcome)>,
    /// What kept the others from being tried, where a request that prepares them failed.
    pub cut_short_by: Option<String>,
}

impl Conformance {
    /// Of what was found about one rule, the worst counts.
    pub(super) fn new(found: &[(Rule, Outcome)], cut_short_by: Option<String>) -> Self {
        let rank = |outcome: &Outcome| match outcome {
            Outcome::Kept => 0,
            Outcome::Denied(_) => 1,
            Outcome::Unanswered(_) => 2,
            Outcome::Broken(_) => 3,
        };
        let worst = |rule: Rule| {
            let of_rule = found.iter().filter(|(found, _)| *found == rule).map(|(_, outcome)| outcome);
            let worst = of_rule.reduce(|worst, next| if rank(next) > rank(worst) { next } else { worst });
            worst.map(|outcome| (rule, outcome.clone()))
        };
        Self { rules: Rule::ALL.into_iter().filter_map(worst).collect(), cut_short_by }
    }

    /// Whether no rule was seen broken.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.broken().next().is_none()
    }

    /// The rules that the store breaks, and how.
    pub fn broken(&self) -> impl Iterator<Item = (Rule, &str)> {
        self.rules.iter().filter_map(|(rule, outcome)| match outcome {
            Outcome::Broken(how) => Some((*rule, how.as_str())),
            Outcome::Kept | Outcome::Denied(_) | Outcome::Unanswered(_) => None,
        })
    }

    /// The rules that nothing is known of, and why: denied, without an answer that tells, or never tried.
    pub fn unknown(&self) -> impl Iterator<Item = (Rule, &str)> {
        let cut_short = self.cut_short_by.as_deref().unwrap_or("the store gave no answer that tells");
        Rule::ALL.into_iter().filter_map(move |rule| {
            match self.rules.iter().find(|(tried, _)| *tried == rule) {
                None => Some((rule, cut_short)),
                Some((_, Outcome::Denied(why) | Outcome::Unanswered(why))) => Some((rule, why.as_str())),
                Some((_, Outcome::Kept | Outcome::Broken(_))) => None,
            }
        })
    }
}

impl fmt::Display for Conformance {
    /// What is wrong, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken: Vec<String> =
            self.broken().map(|(rule, how)| format!("{}: {how}", rule.request())).collect();
        f.write_str(&broken.join("; "))
    }
}
