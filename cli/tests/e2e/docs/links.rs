//! Links lead somewhere.

use super::page::{Page, pages};
use crate::harness::root;

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(page: &Page) -> Vec<String> {
    page.prose().lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

/// Where the links of a page lead.
fn targets(page: &Page) -> Vec<String> {
    let prose = page.prose();
    prose.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0.to_owned()).collect()
}

/// Resolves `..` in a path from the root.
fn resolve(page: &Page, path: &str) -> String {
    let mut parts: Vec<&str> = page.name.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => assert!(parts.pop().is_some(), "{}: {path} leaves the repository", page.name),
            "" | "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut checked = 0;
    for page in pages() {
        for target in targets(&page).iter().filter(|target| !target.starts_with("https://")) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { page.name.clone() } else { resolve(&page, path) };
            assert!(root().join(&file).exists(), "{}: {target} leads to no file", page.name);
            let found = heading.is_empty() || anchors(&Page::read(&file)).iter().any(|a| a == heading);
            assert!(found, "{}: {target} leads to no heading", page.name);
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}
