//! What may be wrong with one document or file, as stable words.

use analysis_storage::{ErrorCode, words};
use serde::{Deserialize, Serialize};

words! {
    /// The kinds of problem that only a transfer has, which no [`ErrorCode`] is.
    pub(crate) enum TransferKind {
        /// The document, or its metadata, state another id.
        IdMismatch = "id_mismatch",
        /// Several files or objects have one id.
        Duplicate = "duplicate",
        /// A newer object has the id.
        Older = "older",
        /// The key is not of the layout.
        Misplaced = "misplaced",
        /// The file, or the stored document, cannot be read.
        Unreadable = "unreadable",
        /// A symbolic link to a directory.
        SymbolicLink = "symbolic_link",
        /// Another document is stored under the id.
        Conflict = "conflict",
        /// The manifest has it, the directory does not.
        MissingFile = "missing_file",
        /// The directory has it, the manifest does not.
        UnlistedFile = "unlisted_file",
        /// The file is not what the manifest says.
        DamagedFile = "damaged_file",
        /// A copy in the backup is damaged or lost, and the store has no such document any more.
        DamagedCopy = "damaged_copy",
        /// The bytes of the stored document are not what was saved.
        Damaged = "damaged",
        /// Another program has replaced the stored document.
        Changed = "changed",
        /// The stored document is gone, and its entry is not.
        Lost = "lost",
        /// A line of the manifest cannot be read.
        BadLine = "bad_line",
        /// The store has the document, but its list does not.
        NotListed = "not_listed",
        /// Something that is no file stands where the file would be.
        Obstacle = "obstacle",
        /// A file that was in the way was moved.
        DisplacedFile = "displaced_file",
        /// The id was created at another time in this store.
        OtherCreatedAt = "other_created_at",
        /// Only the store has it.
        OnlyInStore = "only_in_store",
        /// Only the directory has it.
        OnlyInDirectory = "only_in_directory",
        /// Only the manifest has it.
        OnlyInManifest = "only_in_manifest",
        /// The sizes differ.
        Size = "size",
        /// The digests differ.
        Sha256 = "sha256",
        /// The line of the manifest says something else than the store.
        Manifest = "manifest",
    }
}

/// The kind of a problem: a word of the API where an error is behind it, else one of the transfers' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub(crate) enum Kind {
    /// The storage has refused the document, as it would over HTTP.
    Error(ErrorCode),
    /// The transfer has found it.
    Transfer(TransferKind),
}

impl Kind {
    /// Every kind that a report may hold. Errors that concern more than one document end the transfer instead.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let errors = ErrorCode::ALL.iter().filter(|code| code.is_of_one_document());
        errors.copied().map(Self::from).chain(TransferKind::ALL.iter().copied().map(Self::from))
    }

    /// The stable word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error(code) => code.as_str(),
            Self::Transfer(kind) => kind.as_str(),
        }
    }
}

impl From<ErrorCode> for Kind {
    fn from(code: ErrorCode) -> Self {
        Self::Error(code)
    }
}

impl From<TransferKind> for Kind {
    fn from(kind: TransferKind) -> Self {
        Self::Transfer(kind)
    }
}

impl From<Kind> for &'static str {
    fn from(kind: Kind) -> Self {
        kind.as_str()
    }
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::all()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| format!("{word:?} is no kind of problem"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_page_on_transfers_lists_every_kind_and_no_other() {
        let page = include_str!("../../../docs/transfers.md");
        let (_, table) = page.split_once("| `problem` |").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let listed: Vec<&str> =
            rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
        let kinds: BTreeSet<&str> = Kind::all().map(Kind::as_str).collect();
        assert_eq!(kinds, listed.iter().copied().collect::<BTreeSet<_>>());
        assert_eq!(kinds.len(), listed.len(), "a kind is listed twice: {listed:?}");
    }

    #[test]
    fn a_kind_survives_a_temporary_file() {
        for kind in Kind::all() {
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<Kind>(&text).unwrap(), kind, "{text}");
        }
    }
}
