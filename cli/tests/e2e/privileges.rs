//! What each function's role may do: the same table for the template (`template/roles.rs`) and for the deployed stack.

mod enforced;

use std::collections::BTreeSet;

use analysis_storage::diagnosis::{Kind, PERMISSIONS, Place};

/// A kind of key below the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    Documents,
    IdRecords,
    Index,
    Markers,
    Totals,
    /// Where the scheduled repair goes on.
    Position,
    /// Staged uploads, which no function works on, stand for all other keys below the prefix.
    Uploads,
}

use Keys::{Documents, IdRecords, Index, Markers, Position, Totals, Uploads};

impl Keys {
    pub(crate) const ALL: [Self; 7] = [Documents, IdRecords, Index, Markers, Totals, Position, Uploads];

    /// As policies name them, without the prefix.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Documents => "analysis/*",
            IdRecords => "metadata/ids/*",
            Index => "metadata/index/*",
            Markers => "metadata/dirty/*",
            Totals => "metadata/storage-stats.json",
            Position => "metadata/repair.json",
            Uploads => "uploads/*",
        }
    }

    /// One of them.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Documents => "analysis/2026/01/x.json",
            IdRecords => "metadata/ids/x",
            Index => "metadata/index/x",
            Markers => "metadata/dirty/2026-01-01",
            Totals => "metadata/storage-stats.json",
            Position => "metadata/repair.json",
            Uploads => "uploads/x",
        }
    }
}

/// The permissions of one function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Function {
    /// Its directory below `functions/`, and the name of its policy.
    pub(crate) name: &'static str,
    /// The name of its resources in the template, before `Function` and `Role`.
    pub(crate) resource: &'static str,
    pub(crate) get: &'static [Keys],
    pub(crate) put: &'static [Keys],
    pub(crate) delete: &'static [Keys],
    /// The index for the first request during init, and what it gets: S3 answers 403 instead of 404 for a missing key to
    /// those who may not list it.
    pub(crate) list: &'static [Keys],
    /// May list and get the versions of documents.
    pub(crate) versions: bool,
    /// May ask how the bucket is set up.
    pub(crate) describe: bool,
}

pub(crate) const FUNCTIONS: [Function; 6] = [
    Function {
        name: "save",
        resource: "Save",
        get: &[Documents, IdRecords],
        put: &[Documents, IdRecords, Index, Markers],
        delete: &[Index],
        list: &[Index, IdRecords, Documents],
        versions: false,
        describe: false,
    },
    Function {
        name: "load",
        resource: "Load",
        get: &[Documents, IdRecords],
        put: &[],
        delete: &[],
        list: &[Index, IdRecords, Documents],
        versions: true,
        describe: false,
    },
    Function {
        name: "list",
        resource: "List",
        get: &[],
        put: &[],
        delete: &[],
        list: &[Index],
        versions: false,
        describe: false,
    },
    Function {
        name: "stats",
        resource: "Stats",
        get: &[Markers, Totals],
        put: &[Totals],
        delete: &[Markers],
        list: &[Index, Markers, Totals],
        versions: false,
        describe: true,
    },
    Function {
        name: "delete",
        resource: "Delete",
        get: &[Documents, IdRecords],
        put: &[Index, Markers],
        delete: &[Documents, Index],
        list: &[Index, IdRecords, Documents],
        versions: false,
        describe: false,
    },
    Function {
        name: "repair",
        resource: "Repair",
        get: &[Documents, IdRecords, Markers, Totals, Position],
        put: &[IdRecords, Index, Markers, Totals, Position],
        delete: &[Index, Markers],
        list: &[IdRecords, Index, Markers, Totals, Position, Documents],
        versions: false,
        describe: false,
    },
];

/// The kind of key in the words of `doctor`, which has none for what no function works on.
fn place(keys: Keys) -> Option<Place> {
    match keys {
        Documents => Some(Place::Documents),
        IdRecords => Some(Place::IdRecords),
        Index => Some(Place::Index),
        Markers => Some(Place::Markers),
        Totals => Some(Place::Totals),
        Position => Some(Place::Position),
        Uploads => None,
    }
}

#[test]
fn doctor_tries_every_permission_that_a_function_has_and_no_other() {
    let text = |kind: Kind, place: Place, role: &str| format!("{kind:?} {place:?} {role}");
    let mut granted = BTreeSet::new();
    for function in FUNCTIONS {
        let documents: &[Keys] = if function.versions { &[Documents] } else { &[] };
        for (kind, keys) in [
            (Kind::Get, function.get),
            (Kind::Put, function.put),
            (Kind::Delete, function.delete),
            (Kind::List, function.list),
            (Kind::Versions, documents),
        ] {
            granted.extend(keys.iter().filter_map(|k| place(*k)).map(|p| text(kind, p, function.name)));
        }
    }
    let tried = PERMISSIONS.iter().flat_map(|p| p.roles.iter().map(|role| text(p.kind, p.place, role)));
    assert_eq!(tried.collect::<BTreeSet<_>>(), granted);
}
