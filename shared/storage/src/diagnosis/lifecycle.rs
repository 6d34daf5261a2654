//! Lifecycle rules against `RETENTION_DAYS`: documents and their index entries must go together, and no sooner.

use super::{Finding, State};
use crate::bucket::s3::Lifecycle;
use crate::layout::Layout;
use crate::retention::Retention;

const CHECK: &str = "lifecycle rules";

/// What there is to say of the rules of a bucket.
pub(super) fn judge(rules: &[Lifecycle], layout: &Layout, retention: Retention) -> Vec<Finding> {
    let mut found = Vec::new();
    let days = retention.in_days();
    for (what, prefix) in [("documents", layout.documents(None)), ("index entries", layout.index())] {
        found.extend(rules.iter().filter_map(|rule| too_soon(rule, what, &prefix, days)));
        found.extend(days.and_then(|days| stays(rules, what, &prefix, days)));
    }
    for rule in
        rules.iter().filter(|rule| rule.expires_after.is_some() && touches(rule, &layout.id_records()))
    {
        found.push(wrong(
            rule,
            "removes id records",
            "an id that is saved again would get another creation time",
        ));
    }
    for rule in rules.iter().filter(|rule| rule.moves && touches(rule, &layout.index())) {
        found.push(wrong(rule, "moves index entries", "they are listed and counted all the time"));
    }
    if found.is_empty() {
        found.push(Finding::ok(
            CHECK,
            format!("{} rules, and none is at odds with RETENTION_DAYS", rules.len()),
        ));
    }
    found
}

fn wrong(rule: &Lifecycle, does: &str, why: &str) -> Finding {
    let advice = format!("take `{}` out of the rule `{}`: {why}", rule.prefix, rule.name);
    Finding::new(CHECK, State::Wrong, format!("the rule `{}` {does}", rule.name), advice)
}

/// The rule removes something before it is hidden.
fn too_soon(rule: &Lifecycle, what: &str, prefix: &str, retention: Option<u32>) -> Option<Finding> {
    let days = u32::try_from(rule.expires_after?).unwrap_or_default();
    if !touches(rule, prefix) || retention.is_some_and(|kept| days >= kept) {
        return None;
    }
    let kept = retention.map_or_else(|| "0, which is forever".to_owned(), |days| days.to_string());
    let found =
        format!("the rule `{}` removes {what} after {days} days, and RETENTION_DAYS is {kept}", rule.name);
    let advice = format!(
        "set RETENTION_DAYS={days}, or change the rule: what it removes is lost while it is still listed"
    );
    Some(Finding::new(CHECK, State::Wrong, found, advice))
}

/// Nothing removes what is hidden.
fn stays(rules: &[Lifecycle], what: &str, prefix: &str, days: u32) -> Option<Finding> {
    let removes = |rule: &&Lifecycle| {
        rule.expires_after.is_some() && !rule.is_partial && prefix.starts_with(&rule.prefix)
    };
    if rules.iter().any(|rule| removes(&rule)) {
        return None;
    }
    let found = format!("no rule removes {what}, which RETENTION_DAYS={days} hides");
    let advice = format!(
        "add a rule that expires what begins with `{prefix}` after {days} days, or pay for it forever"
    );
    Some(Finding::new(CHECK, State::Advice, found, advice))
}

/// Whether the rule is for something below this prefix.
fn touches(rule: &Lifecycle, prefix: &str) -> bool {
    prefix.starts_with(&rule.prefix) || rule.prefix.starts_with(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(prefix: &str, days: i32) -> Lifecycle {
        let expires_after = Some(days).filter(|days| *days > 0);
        let moves = expires_after.is_none();
        Lifecycle { name: "r".into(), prefix: prefix.into(), is_partial: false, expires_after, moves }
    }

    fn judged(rules: &[Lifecycle], days: u32) -> Vec<(State, String)> {
        let found = judge(rules, &Layout::new("p"), Retention::days(days));
        found.into_iter().map(|finding| (finding.state, finding.found)).collect()
    }

    #[test]
    fn rules_that_fit_the_retention_are_well() {
        let rules = [rule("p/analysis/", 30), rule("p/metadata/index/", 30), rule("p/analysis/", 0)];
        let well = (State::Ok, "3 rules, and none is at odds with RETENTION_DAYS".to_owned());
        assert_eq!(judged(&rules, 30), [well]);
        assert_eq!(judged(&[], 0)[0].0, State::Ok);
        assert_eq!(judged(&[rule("q/", 7), rule("p/uploads/", 1)], 0)[0].0, State::Ok);
    }

    #[test]
    fn what_is_removed_before_it_is_hidden_is_wrong() {
        for (rules, days, told) in [
            (
                [rule("p/analysis/", 29), rule("p/metadata/index/", 30)],
                30,
                "documents after 29 days, and RETENTION_DAYS is 30",
            ),
            ([rule("p/analysis/", 30), rule("p/metadata/index/", 7)], 30, "index entries after 7 days"),
            ([rule("p/analysis/2024/", 30), rule("q/", 1)], 0, "RETENTION_DAYS is 0, which is forever"),
            ([rule("", 400), rule("q/", 1)], 30, "removes id records"),
            ([rule("p/metadata/ids/", 400), rule("q/", 1)], 0, "removes id records"),
            ([rule("p/", 0), rule("q/", 1)], 0, "moves index entries"),
        ] {
            let found = judged(&rules, days);
            let is_it = |(state, text): &(State, String)| *state == State::Wrong && text.contains(told);
            assert!(found.iter().any(is_it), "{told}: {found:?}");
        }
    }

    #[test]
    fn what_is_hidden_and_never_removed_is_said() {
        let found = judged(&[rule("p/analysis/", 30)], 30);
        assert_eq!(
            found,
            [(State::Advice, "no rule removes index entries, which RETENTION_DAYS=30 hides".to_owned())]
        );
        let partial = Lifecycle { is_partial: true, ..rule("p/", 30) };
        assert_eq!(judged(&[partial], 30).iter().filter(|(state, _)| *state == State::Advice).count(), 2);
    }
}
