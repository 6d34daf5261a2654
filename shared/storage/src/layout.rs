//! Where everything lies in the bucket. No other module spells a key.

use std::fmt;

use crate::bucket::Key;
use crate::id::AnalysisId;
use crate::index::{Entry, IndexKey};
use crate::month::Month;
use crate::time::CreatedAt;
use crate::totals::Period;

/// `inv` is this minus the creation time, so that plain LIST order is newest first.
const INVERSION: i64 = 9_999_999_999_999;
/// How many of the 13 digits name a folder of the index.
const FOLDER_DIGITS: usize = 5;
/// The prefix of every index entry, behind that of the installation.
const INDEX: &str = "metadata/index/";
/// Sorts after every character of an id.
const AFTER_IDS: char = '~';

/// The keys of one installation, all under one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    prefix: String,
}

impl Layout {
    /// Keys under `prefix`; slashes around it do not matter, and it may be empty.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        Self { prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") } }
    }

    /// What all keys begin with.
    #[must_use]
    pub fn root(&self) -> String {
        self.prefix.clone()
    }

    /// `analysis/YYYY/MM/{id}.json`: the document, byte for byte.
    #[must_use]
    pub fn document(&self, id: &AnalysisId, created_at: CreatedAt) -> Key {
        let date = created_at.date();
        Key::new(format!("{}analysis/{:04}/{:02}/{id}.json", self.prefix, date.year(), date.month()))
    }

    /// The prefix of every document, or of those of one month.
    #[must_use]
    pub fn documents(&self, month: Option<Month>) -> String {
        let month = month.map(|month| format!("{month}/").replace('-', "/")).unwrap_or_default();
        format!("{}analysis/{month}", self.prefix)
    }

    /// The id whose document lies under this key, and the month in its key; `None` for a key that no id leads
    /// to.
    #[must_use]
    pub fn parse_document(&self, key: &Key) -> Option<(AnalysisId, Month)> {
        let path = key.as_str().strip_prefix(&self.documents(None))?;
        let (month, name) = path.rsplit_once('/')?;
        let month = Month::read(&month.replace('/', "-")).filter(|_| !month.contains('-'))?;
        Some((AnalysisId::from_stored(name.strip_suffix(".json")?).ok()?, month))
    }

    /// The month whose folder a key among the documents lies in, whatever its name.
    #[must_use]
    pub fn month_of(&self, key: &Key) -> Option<Month> {
        let path = key.as_str().strip_prefix(&self.documents(None))?;
        let (month, _) = path.split_at_checked("2024/01/".len())?;
        let month = month.strip_suffix('/')?;
        Month::read(&month.replace('/', "-")).filter(|_| !month.contains('-'))
    }

    /// A position behind all documents of one month.
    #[must_use]
    pub fn behind_documents(&self, month: Month) -> String {
        // `0` is what follows `/`.
        format!("{}0", self.documents(Some(month)).trim_end_matches('/'))
    }

    /// `metadata/ids/{id}`: the creation time of a named id.
    #[must_use]
    pub fn id_record(&self, id: &AnalysisId) -> Key {
        Key::new(format!("{}{id}", self.id_records()))
    }

    /// The prefix of every id record.
    #[must_use]
    pub fn id_records(&self) -> String {
        format!("{}metadata/ids/", self.prefix)
    }

    /// The key that *is* this index entry.
    #[must_use]
    pub fn entry(&self, entry: &Entry) -> Key {
        Key::new(format!("{}{entry}", self.index()))
    }

    /// The prefix of every index entry.
    #[must_use]
    pub fn index(&self) -> String {
        format!("{}{INDEX}", self.prefix)
    }

    /// Whether a key without its last part is a folder of the index, in an installation without a prefix.
    pub(crate) fn is_index_folder(key: &str) -> bool {
        let folder = key.strip_prefix(INDEX);
        folder.is_some_and(|name| name.len() == FOLDER_DIGITS && name.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The prefix of the index entries of one id.
    #[must_use]
    pub fn entries_of(&self, id: &AnalysisId, created_at: CreatedAt) -> String {
        format!("{}{}!{id}!", self.index(), Inverted(created_at).path())
    }

    /// A position in the index behind every entry of this id.
    #[must_use]
    pub fn after_entries_of(&self, id: &AnalysisId, created_at: CreatedAt) -> String {
        format!("{}{AFTER_IDS}", self.entries_of(id, created_at))
    }

    /// A position in the index behind everything created at or after this instant.
    #[must_use]
    pub fn before(&self, created_at: CreatedAt) -> String {
        format!("{}{}!{AFTER_IDS}", self.index(), Inverted(created_at).path())
    }

    /// A position behind every legacy entry of what was created at or after this instant.
    pub(crate) fn before_legacy(&self, created_at: CreatedAt) -> String {
        format!("{}{}!{AFTER_IDS}", self.index(), Inverted(created_at))
    }

    /// A position in the index behind everything that is newer than this instant.
    pub(crate) fn behind_newer(&self, created_at: CreatedAt) -> String {
        CreatedAt::from_millis(created_at.millis() + 1).map_or_else(|| self.index(), |next| self.before(next))
    }

    /// A position in the index behind the folder of this instant. Entries of an earlier version that are as old as those
    /// in the folder lie behind it.
    pub(crate) fn behind_folder(&self, created_at: CreatedAt) -> String {
        let digits = Inverted(created_at).to_string();
        // A colon is what follows `9`.
        format!("{}{}/:", self.index(), digits.get(..FOLDER_DIGITS).unwrap_or_default())
    }

    /// The prefix of every dirty marker.
    #[must_use]
    pub fn markers(&self) -> String {
        format!("{}metadata/dirty/", self.prefix)
    }

    /// `metadata/dirty/{period}.mark`: the sealed totals of that period are not to be trusted. An earlier version kept
    /// folders named by the day there, which local storage could not tell from a key without the ending.
    #[must_use]
    pub(crate) fn marker(&self, period: Period) -> Key {
        Key::new(format!("{}{period}.mark", self.markers()))
    }

    /// The period of a dirty marker, or `None` for a key that this crate did not write.
    #[must_use]
    pub(crate) fn parse_marker(&self, key: &Key) -> Option<Period> {
        Period::parse(key.as_str().strip_prefix(&self.markers())?.strip_suffix(".mark")?)
    }

    /// `metadata/storage-stats.json`: the totals of past days.
    #[must_use]
    pub fn totals(&self) -> Key {
        Key::new(format!("{}metadata/storage-stats.json", self.prefix))
    }

    /// `metadata/repair.json`: where the scheduled repair goes on.
    #[must_use]
    pub fn repair_position(&self) -> Key {
        Key::new(format!("{}metadata/repair.json", self.prefix))
    }

    /// `metadata/store.json`: that the store was tried out.
    #[must_use]
    pub(crate) fn store_record(&self) -> Key {
        Key::new(format!("{}metadata/store.json", self.prefix))
    }

    /// The prefix of the objects that a store is tried out with: they come and go.
    #[must_use]
    pub fn probes(&self) -> String {
        format!("{}metadata/probe/", self.prefix)
    }

    /// The entry that a key of the index is, or `None` for a key that this crate did not write.
    #[must_use]
    pub fn parse_entry(&self, key: &Key) -> Option<Entry> {
        Entry::parse(key.as_str().strip_prefix(&self.index())?)
    }

    /// What a key below the index is.
    pub(crate) fn parse_index_key(&self, key: &Key) -> IndexKey {
        key.as_str().strip_prefix(&self.index()).map_or(IndexKey::Unrelated, IndexKey::parse)
    }
}

/// A creation time as the 13 digits that sort newest first.
pub(crate) struct Inverted(pub(crate) CreatedAt);

impl fmt::Display for Inverted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013}", INVERSION - self.0.millis())
    }
}

impl Inverted {
    /// The digits in two path parts, `{inv5}/{inv8}`: the order of keys stays the same, and a folder of the index holds
    /// about a day (10^8 ms, 28 hours), so that a store of files need not read all of it.
    pub(crate) fn path(&self) -> String {
        let mut digits = self.to_string();
        digits.insert(FOLDER_DIGITS, '/');
        digits
    }

    /// What [`path`](Self::path) wrote.
    pub(crate) fn parse_path(text: &str) -> Option<CreatedAt> {
        let (folder, rest) = text.split_once('/').filter(|(folder, _)| folder.len() == FOLDER_DIGITS)?;
        Self::parse(&format!("{folder}{rest}"))
    }

    pub(crate) fn parse(text: &str) -> Option<CreatedAt> {
        let digits = text.len() == 13 && text.bytes().all(|b| b.is_ascii_digit());
        CreatedAt::from_millis(INVERSION - text.parse::<i64>().ok().filter(|_| digits)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lie_under_the_prefix_however_it_is_written() {
        let id = AnalysisId::from_stored("study-1").unwrap();
        let created_at = CreatedAt::from_millis(1_735_689_599_999).unwrap();
        for prefix in ["team/a", "/team/a", "team/a/"] {
            let layout = Layout::new(prefix);
            assert_eq!(layout.document(&id, created_at).as_str(), "team/a/analysis/2024/12/study-1.json");
            assert_eq!(layout.id_record(&id).as_str(), "team/a/metadata/ids/study-1");
        }
        assert_eq!(Layout::new("").id_record(&id).as_str(), "metadata/ids/study-1");
    }

    #[test]
    fn a_document_key_tells_its_id_and_month() {
        let layout = Layout::new("t");
        let id = AnalysisId::from_stored("a.b").unwrap();
        let created_at = CreatedAt::from_millis(1_735_689_599_999).unwrap();
        let month = Month::from(created_at);
        assert_eq!(layout.parse_document(&layout.document(&id, created_at)), Some((id, month)));
        assert_eq!(layout.documents(Some(month)), "t/analysis/2024/12/");
        for other in [
            "t/analysis/2024/12/",
            "t/analysis/2024/12/.json",
            "t/analysis/2024/12/a",
            "t/analysis/2024/12/a b.json",
            "t/analysis/2024/12/x/a.json",
            "t/analysis/2024-12/a.json",
            "t/analysis/2024/13/a.json",
            "t/analysis/1999/12/a.json",
            "t/analysis/a.json",
            "analysis/2024/12/a.json",
            "t/analysis/2024/12/018CC251-F400-7000-8000-000000000000.json",
        ] {
            assert_eq!(layout.parse_document(&Key::new(other)), None, "{other}");
        }
    }

    #[test]
    fn later_creation_times_sort_first() {
        let older = Inverted(CreatedAt::MIN).to_string();
        let newer = Inverted(CreatedAt::MAX).to_string();
        assert!(newer < older);
        assert_eq!(Inverted::parse(&older), Some(CreatedAt::MIN));
        assert_eq!(Inverted::parse(&newer), Some(CreatedAt::MAX));
        assert_eq!(Inverted::parse("+000000000001"), None);
        assert_eq!(Inverted(CreatedAt::MAX).path(), "00000/00000000");
        assert_eq!(Inverted::parse_path("00000/00000000"), Some(CreatedAt::MAX));
        for other in ["0000000000000", "0000/000000000", "00000/0000000", "00000/0000/0000"] {
            assert_eq!(Inverted::parse_path(other), None, "{other}");
        }
    }
}
