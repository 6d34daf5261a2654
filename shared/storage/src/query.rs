//! What a caller asks of the list, checked at the edge: limit and filters. Where a page begins is a [`Cursor`].

use crate::error::{Error, Result};
pub use crate::index::Cursor;
use crate::index::Entry;
use crate::instant;
use crate::label::{Label, LabelKind};
use crate::time::CreatedAt;

/// How many items a page may hold: 1 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The most items a page may hold; one S3 LIST returns no more keys.
    pub const MAX: u16 = 1000;

    /// Checks the query parameter `limit`.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] for anything but 1 to 1000.
    pub fn parse(text: &str) -> Result<Self> {
        text.parse()
            .ok()
            .filter(|n| (1..=Self::MAX).contains(n) && !text.starts_with('+'))
            .map(Self)
            .ok_or_else(|| Error::query("limit", format!("{text:?} is not a number from 1 to {}", Self::MAX)))
    }

    /// The limit as a number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0.into()
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

/// Which analyses a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    implementation: Option<Label>,
    status: Option<Label>,
    from: Option<i64>,
    until: Option<i64>,
}

impl Filter {
    /// Checks the query parameters `implementation`, `status`, `from` and `to`.
    ///
    /// `from` and `to` select by `created_at`, both inclusive: an RFC 3339 instant, a day `2024-01-15` or a
    /// month `2024-01`; as `to`, a day or month counts to its end.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] names the parameter and what it takes.
    pub fn parse(
        implementation: Option<&str>,
        status: Option<&str>,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Self> {
        let from = from.map(|text| period("from", text)).transpose()?.map(|(first, _)| first);
        let until = to.map(|text| period("to", text)).transpose()?.map(|(_, next)| next);
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            return Err(Error::query("from", "lies after `to`"));
        }
        Ok(Self {
            implementation: label(LabelKind::Implementation, implementation)?,
            status: label(LabelKind::Status, status)?,
            from,
            until,
        })
    }

    /// The creation time at and above which nothing matches.
    pub(crate) fn until(&self) -> Option<CreatedAt> {
        let until = self.until?.max(CreatedAt::MIN.millis());
        CreatedAt::from_millis(until)
    }

    /// Whether everything created at this time or before is too old.
    pub(crate) fn is_before_from(&self, created_at: CreatedAt) -> bool {
        self.from.is_some_and(|from| created_at.millis() < from)
    }

    /// Whether a label is asked for, so that a page may have to skip entries.
    pub(crate) fn is_selective(&self) -> bool {
        self.implementation.is_some() || self.status.is_some()
    }

    /// The filter as text: the same for equal filters, and another for any other.
    pub(crate) fn canonical(&self) -> String {
        let Self { implementation, status, from, until } = self;
        let label = |label: &Option<Label>| label.as_ref().map(ToString::to_string);
        format!("{:?} {:?} {from:?} {until:?}", label(implementation), label(status))
    }

    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        let summary = &entry.summary;
        self.implementation.as_ref().is_none_or(|wanted| *wanted == summary.implementation)
            && self.status.as_ref().is_none_or(|wanted| *wanted == summary.status)
            && self.until.is_none_or(|until| entry.created_at.millis() < until)
            && !self.is_before_from(entry.created_at)
    }
}

fn label(kind: LabelKind, text: Option<&str>) -> Result<Option<Label>> {
    text.map(|text| Label::parse(kind, text).map_err(|reason| Error::query(kind.name(), reason))).transpose()
}

/// First millisecond of what the text names, and the first one behind it.
fn period(parameter: &'static str, text: &str) -> Result<(i64, i64)> {
    if let Some((first, next)) = instant::parse_period(text) {
        return Ok((first.as_millisecond(), next.as_millisecond()));
    }
    if let Some(instant) = instant::parse(text) {
        let floor = instant.as_microsecond().div_euclid(1000);
        let is_whole = instant.as_microsecond() % 1000 == 0;
        return Ok((if is_whole { floor } else { floor + 1 }, floor + 1));
    }
    // In a URL a plus sign stands for a space.
    let plus = if text.contains(' ') { "; write + as %2B" } else { "" };
    let advice =
        "is not a time; send RFC 3339 (2024-01-15T10:30:00Z), a day (2024-01-15) or a month (2024-01)";
    Err(Error::query(parameter, format!("{text:?} {advice}{plus}")))
}

/// One page of the list, as it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// How many items the page holds at most.
    pub limit: Limit,
    /// Where the page begins; `None` for the newest analyses.
    pub cursor: Option<Cursor>,
    /// Which analyses the page shows.
    pub filter: Filter,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AnalysisId;

    fn cursor() -> Cursor {
        Cursor { created_at: CreatedAt::MIN, id: AnalysisId::from_stored("study-1").unwrap() }
    }

    #[test]
    fn limits() {
        assert_eq!(Limit::parse("1").unwrap().get(), 1);
        assert_eq!(Limit::parse("1000").unwrap().get(), 1000);
        for bad in ["0", "1001", "-1", "+1", "abc", "", "1.5", "99999999999999"] {
            assert!(Limit::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cursor_is_only_good_for_the_query_that_made_it() {
        let none = Filter::default();
        let openai = Filter::parse(Some("openai"), None, None, None).unwrap();
        let text = cursor().encode(&none);
        assert_eq!(Cursor::parse(&text, &none).unwrap(), cursor());
        assert!(Cursor::parse(&text, &openai).is_err());
        for length in 0..text.len() {
            assert!(Cursor::parse(&text[..length], &none).is_err(), "truncated to {length}");
        }
        for forged in ["!!!", "AQ", "eyJpZCI6MX0", &format!("{text}A")] {
            assert!(Cursor::parse(forged, &none).is_err(), "{forged}");
        }
    }

    #[test]
    fn periods_are_inclusive_at_both_ends() {
        let filter = Filter::parse(None, None, Some("2024-01"), Some("2024-01-31")).unwrap();
        let february = "2024-02-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
        assert_eq!(filter.until, Some(february));
        let instant =
            Filter::parse(None, None, Some("2024-01-15T10:00:00.0001Z"), Some("2024-01-15T10:00:00.0019Z"))
                .unwrap();
        assert_eq!(instant.until.unwrap() - instant.from.unwrap(), 1, "only the millisecond between them");
        assert!(Filter::parse(None, None, Some("2024-01-15"), Some("2024-01-15")).is_ok());
    }

    #[test]
    fn bad_filters_name_their_parameter() {
        for (result, name) in [
            (Filter::parse(None, None, Some("2024-02"), Some("2024-01")), "`from`: lies after `to`"),
            (Filter::parse(None, None, Some("soon"), None), "`from`: \"soon\" is not a time"),
            (Filter::parse(None, None, None, Some("2024-02-30")), "`to`: \"2024-02-30\" is not a time"),
            (Filter::parse(Some("a b"), None, None, None), "`implementation`: contains ' '"),
            (Filter::parse(None, Some(""), None, None), "`status`: has 0 characters"),
        ] {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
    }
}
