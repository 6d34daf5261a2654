//! What each function's role may do: the same table for the template (`template/roles.rs`) and for the deployed stack.

mod enforced;

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
