//! What each function's role may do: the same table for the template and for the deployed stack.

/// A kind of key below the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    Documents,
    IdRecords,
    Index,
    Markers,
    Totals,
    /// Staged uploads, which no function works on yet, stand for all other keys below the prefix.
    Uploads,
}

use Keys::{Documents, IdRecords, Index, Markers, Totals, Uploads};

impl Keys {
    pub(crate) const ALL: [Self; 6] = [Documents, IdRecords, Index, Markers, Totals, Uploads];

    /// As policies name them, without the prefix.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Documents => "analysis/*",
            IdRecords => "metadata/ids/*",
            Index => "metadata/index/*",
            Markers => "metadata/dirty/*",
            Totals => "metadata/storage-stats.json",
            Uploads => "uploads/*",
        }
    }

    /// One of them.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Documents => "analysis/2026/01/x.json",
            IdRecords => "metadata/ids/x",
            Index => "metadata/index/x",
            Markers => "metadata/dirty/2026-01-01/1",
            Totals => "metadata/storage-stats.json",
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
    /// Also what it gets: without permission to list them, S3 answers 403 for a missing key, instead of 404.
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
        get: &[Documents],
        put: &[],
        delete: &[],
        list: &[Index, Documents],
        versions: false,
        describe: false,
    },
    Function {
        name: "stats",
        resource: "Stats",
        get: &[Documents, Totals],
        put: &[Totals],
        delete: &[Markers],
        list: &[Index, Markers, Totals, Documents],
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
        get: &[Documents, IdRecords, Totals],
        put: &[IdRecords, Index, Markers, Totals],
        delete: &[Index, Markers],
        list: &[IdRecords, Index, Markers, Totals, Documents],
        versions: false,
        describe: false,
    },
];
