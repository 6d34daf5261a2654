//! What a process must be allowed to do: each action on each kind of key, and which roles need it.
//!
//! Each is tried without an effect: a write or delete has a condition that does not hold, of a key where nothing is.

use super::{Finding, State};
use crate::bucket::{Bucket, BucketError, ETag, GetOptions, Key, Precondition, Put};
use crate::clock::{Clock as _, SystemClock};
use crate::id::AnalysisId;
use crate::layout::Layout;
use crate::time::CreatedAt;

/// What is asked of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `s3:GetObject`.
    Get,
    /// `s3:PutObject`.
    Put,
    /// `s3:DeleteObject`.
    Delete,
    /// `s3:ListBucket` with the prefix.
    List,
    /// `s3:ListBucketVersions` and `s3:GetObjectVersion`.
    Versions,
}

impl Kind {
    fn action(self) -> &'static str {
        match self {
            Self::Get => "s3:GetObject",
            Self::Put => "s3:PutObject",
            Self::Delete => "s3:DeleteObject",
            Self::List => "s3:ListBucket",
            Self::Versions => "s3:ListBucketVersions",
        }
    }
}

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `analysis/`.
    Documents,
    /// `metadata/ids/`.
    IdRecords,
    /// `metadata/index/`.
    Index,
    /// `metadata/dirty/`.
    Markers,
    /// `metadata/storage-stats.json`.
    Totals,
    /// `metadata/repair.json`.
    Position,
}

/// One action on one kind of key, and the functions that need it. A server needs all but what only `repair` does.
#[derive(Debug, Clone, Copy)]
pub struct Permission {
    /// The action.
    pub kind: Kind,
    /// On which keys.
    pub place: Place,
    /// The functions, as they are named below `functions/`.
    pub roles: &'static [&'static str],
}

const fn of(kind: Kind, place: Place, roles: &'static [&'static str]) -> Permission {
    Permission { kind, place, roles }
}

/// All that is needed by anyone. The template grants just this.
pub const PERMISSIONS: [Permission; 21] = [
    of(Kind::Get, Place::Documents, &["save", "load", "delete", "repair"]),
    of(Kind::Get, Place::IdRecords, &["save", "load", "delete", "repair"]),
    of(Kind::Get, Place::Markers, &["stats", "repair"]),
    of(Kind::Get, Place::Totals, &["stats", "repair"]),
    of(Kind::Get, Place::Position, &["repair"]),
    of(Kind::Put, Place::Documents, &["save"]),
    of(Kind::Put, Place::IdRecords, &["save", "repair"]),
    of(Kind::Put, Place::Index, &["save", "delete", "repair"]),
    of(Kind::Put, Place::Markers, &["save", "delete", "repair"]),
    of(Kind::Put, Place::Totals, &["stats", "repair"]),
    of(Kind::Put, Place::Position, &["repair"]),
    of(Kind::Delete, Place::Documents, &["delete"]),
    of(Kind::Delete, Place::Index, &["save", "delete", "repair"]),
    of(Kind::Delete, Place::Markers, &["stats", "repair"]),
    of(Kind::List, Place::Documents, &["save", "load", "delete", "repair"]),
    of(Kind::List, Place::IdRecords, &["save", "load", "delete", "repair"]),
    of(Kind::List, Place::Index, &["save", "load", "list", "stats", "delete", "repair"]),
    of(Kind::List, Place::Markers, &["stats", "repair"]),
    of(Kind::List, Place::Totals, &["stats", "repair"]),
    of(Kind::List, Place::Position, &["repair"]),
    of(Kind::Versions, Place::Documents, &["load"]),
];

/// Tries each permission; those to write and delete only on a store that keeps conditions.
pub(super) async fn diagnose(bucket: &dyn Bucket, layout: &Layout, keeps_conditions: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for permission in PERMISSIONS {
        let key = example(permission.place, layout);
        let check = format!("{} {}", permission.kind.action(), pattern(permission.place, layout));
        let roles = permission.roles.join(", ");
        if !keeps_conditions && matches!(permission.kind, Kind::Put | Kind::Delete) {
            let advice = format!("needed by {roles}; it is tried once the store could be tried out");
            found.push(Finding::new(&check, State::Unknown, "not tried", advice));
            continue;
        }
        found.push(match attempt(permission.kind, &key, bucket).await {
            Err(error) if error.is_denied() => {
                let advice = format!("allow it to who runs {roles}, or the server; S3 said: {error}");
                Finding::new(&check, State::Wrong, "denied", advice)
            }
            Err(error) if error.is_passing() => {
                Finding::new(&check, State::Unknown, "no answer", error.to_string())
            }
            _ => Finding::ok(&check, format!("allowed; needed by {roles}")),
        });
    }
    found
}

async fn attempt(kind: Kind, key: &Key, bucket: &dyn Bucket) -> Result<(), BucketError> {
    // The tag of no object.
    let tag = ETag::new("\"00000000000000000000000000000000\"");
    match kind {
        Kind::Get => bucket.get(key, GetOptions::default()).await.map(drop),
        Kind::Put => {
            let saved_at = SystemClock.now().into();
            let precondition = Precondition::Match(tag);
            let put =
                Put { key: key.clone(), body: "{}".into(), saved_at, metadata: Vec::new(), precondition };
            bucket.put(put).await.map(drop)
        }
        Kind::Delete => bucket.delete(key, Some(&tag)).await,
        Kind::List => bucket.list(key.as_str(), None, 1).await.map(drop),
        Kind::Versions => bucket.versions(key).await.map(drop),
    }
}

/// A key of this kind. Where there is more than one of them, nothing is there.
fn example(place: Place, layout: &Layout) -> Key {
    let name = format!("doctor-{:016x}", SystemClock.random());
    let id = AnalysisId::from_stored(&name);
    match (place, id) {
        (Place::Documents, Ok(id)) => layout.document(&id, CreatedAt::MIN),
        (Place::IdRecords, Ok(id)) => layout.id_record(&id),
        (Place::Documents, Err(_)) => Key::new(format!("{}{name}", layout.documents(None))),
        (Place::IdRecords, Err(_)) => Key::new(format!("{}{name}", layout.id_records())),
        (Place::Index, _) => Key::new(format!("{}{name}", layout.index())),
        (Place::Markers, _) => Key::new(format!("{}{name}", layout.markers())),
        (Place::Totals, _) => layout.totals(),
        (Place::Position, _) => layout.repair_position(),
    }
}

fn pattern(place: Place, layout: &Layout) -> String {
    match place {
        Place::Documents => format!("{}*", layout.documents(None)),
        Place::IdRecords => format!("{}*", layout.id_records()),
        Place::Index => format!("{}*", layout.index()),
        Place::Markers => format!("{}*", layout.markers()),
        Place::Totals => layout.totals().to_string(),
        Place::Position => layout.repair_position().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::memory::MemoryBucket;

    #[tokio::test]
    async fn writes_are_not_tried_where_nothing_tells_whether_conditions_are_kept() {
        let found = diagnose(&MemoryBucket::default(), &Layout::new("p"), false).await;
        for finding in found {
            let is_write =
                ["s3:PutObject", "s3:DeleteObject"].iter().any(|kind| finding.check.starts_with(kind));
            assert_eq!(finding.found == "not tried", is_write, "{finding:?}");
        }
    }
}
