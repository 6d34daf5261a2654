use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::analyses::{Analyses, StorageType};
use crate::bucket::Precondition;
use crate::document::{Document, Summary};
use crate::error::Error;
use crate::id::AnalysisId;
use crate::index::Entry;
use crate::label::Label;
use crate::layout::Layout;
use crate::protocol::Condition;
use crate::query::ListQuery;
use crate::time::CreatedAt;

fn document() -> Document {
    Document::parse(r#"{"status":"success"}"#.into()).unwrap()
}

fn over(bucket: &LocalBucket) -> Analyses {
    Analyses::new(Arc::new(bucket.clone()), StorageType::Local, Layout::new(""), Arc::new(SystemClock))
}

fn id(text: &str) -> AnalysisId {
    AnalysisId::from_stored(text).unwrap()
}

fn put(key: &str, body: &'static str, saved_at: i64) -> Put {
    Put {
        key: Key::new(key),
        body: body.into(),
        saved_at: SavedAt::from_micros(1_767_225_600_000_000 + saved_at),
        metadata: Vec::new(),
        precondition: Precondition::None,
    }
}

/// Every file and directory below this one.
fn everything(directory: &Path) -> Vec<PathBuf> {
    let children = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    children
        .flat_map(|path| if path.is_dir() { [everything(&path), vec![path]].concat() } else { vec![path] })
        .collect()
}

#[tokio::test]
async fn what_is_made_is_for_this_user_alone() {
    let parent = TempDir::new().unwrap();
    let root = parent.path().join("a/b");
    let analyses = over(&LocalBucket::open(&root).await.unwrap());
    for n in 0..50 {
        analyses.save(&id(&format!("study-{n}")), &document(), &Condition::None).await.unwrap();
    }
    analyses.stats().await.unwrap();
    for path in everything(parent.path()) {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

#[tokio::test]
async fn a_store_that_others_may_read_stays_as_it_is() {
    let root = TempDir::new().unwrap();
    let analyses = over(&LocalBucket::open(root.path()).await.unwrap());
    analyses.save(&id("study-1"), &document(), &Condition::None).await.unwrap();
    for path in everything(root.path()) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let analyses = over(&LocalBucket::open(root.path()).await.unwrap());
    analyses.save(&id("study-1"), &document(), &Condition::Present).await.unwrap();
    analyses.save(&id("study-2"), &document(), &Condition::None).await.unwrap();
    assert_eq!(analyses.list(&ListQuery::default()).await.unwrap().entries.len(), 2);
    let months = everything(root.path()).into_iter().filter(|path| path.ends_with("analysis"));
    assert!(months.map(|path| fs::metadata(path).unwrap().permissions().mode() & 0o777).eq([0o755]));
}

#[tokio::test]
async fn two_writes_of_one_microsecond_and_length_never_share_a_tag() {
    let root = TempDir::new().unwrap();
    let bucket = LocalBucket::open(root.path()).await.unwrap();
    let is_refused = |result: &Result<ETag>| matches!(result, Err(BucketError::Refused { .. }));
    let first = bucket.put(put("a", "one", 1)).await.unwrap();
    assert!(is_refused(&bucket.put(put("a", "two", 1)).await), "beside it");
    assert_ne!(bucket.put(put("a", "three", 1)).await.unwrap(), first, "of another length");
    assert!(is_refused(&bucket.put(put("a", "two", 1)).await), "behind one that was replaced");
    bucket.delete(&Key::new("a"), None).await.unwrap();
    let again = bucket.put(put("a", "four.", 1)).await;
    assert!(is_refused(&again), "behind one that was deleted");
    bucket.put(put("a", "two", 2)).await.unwrap();
    // What is saved gets another time, and nobody is told.
    let analyses = over(&bucket);
    for _ in 0..3 {
        analyses.save(&id("study-1"), &document(), &Condition::None).await.unwrap();
    }
}

#[tokio::test]
async fn a_write_whose_lock_is_held_elsewhere_is_refused_and_reads_go_on() {
    let root = TempDir::new().unwrap();
    let bucket = LocalBucket::open(root.path()).await.unwrap();
    bucket.put(put("a", "one", 1)).await.unwrap();
    let held = lock::try_lock(root.path(), "a").unwrap().unwrap();
    let (write, read) = tokio::join!(bucket.put(put("a", "two", 2)), async {
        let got = bucket.get(&Key::new("a"), GetOptions::default()).await;
        (got, bucket.list("", None, 10).await.unwrap().objects.len())
    });
    assert!(matches!(write, Err(BucketError::Refused { .. })), "{write:?}");
    assert!(matches!(read, (Ok(Got::Found(object)), 1) if object.body == "one"));
    drop(held);
    bucket.put(put("a", "two", 3)).await.unwrap();
}

#[tokio::test]
async fn what_is_larger_than_any_document_or_no_file_is_not_read() {
    let root = TempDir::new().unwrap();
    let bucket = LocalBucket::open(root.path()).await.unwrap().reading_at_most(1 << 20);
    let analyses = over(&bucket);
    let saved = analyses.save(&id("study-1"), &document(), &Condition::None).await.unwrap();
    let place = root.path().join(analyses.document_key(&saved.entry).as_str());
    File::options().write(true).open(&place).unwrap().set_len(8 << 40).unwrap();
    let loaded = analyses.load(&id("study-1"), &GetOptions::default()).await;
    let Err(Error::Corrupt { reason, .. }) = loaded else { panic!("{loaded:?}") };
    assert!(reason.contains("8796093022208 bytes") && reason.contains("MAX_DOCUMENT_BYTES"), "{reason}");
    fs::remove_file(&place).unwrap();
    // Whoever opens it to read waits for somebody who writes.
    rustix::fs::mknodat(rustix::fs::CWD, &place, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let loaded = analyses.load(&id("study-1"), &GetOptions::default()).await;
    assert!(matches!(loaded, Err(Error::NotFound { .. })), "{loaded:?}");
}

/// What each of these operations reads of directories on the average, in a store of so many analyses.
#[derive(Debug)]
struct Costs {
    save: f64,
    load: f64,
    page: f64,
    delete: f64,
}

const SAMPLES: i64 = 40;

/// A store whose index holds an analysis every `step` milliseconds, as saves and splits leave it.
async fn costs(count: i64, step: i64) -> Costs {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
    let bucket = LocalBucket::open(root.path()).await.unwrap();
    let newest = SystemClock.now().as_millisecond() - 1_000;
    fill(root.path(), (0..count).map(|n| CreatedAt::from_millis(newest - n * step).unwrap()));
    let analyses = over(&bucket);
    let mut before = bucket.entries_read();
    let mut since = || {
        let now = bucket.entries_read();
        #[expect(clippy::cast_precision_loss, reason = "they are few")]
        let average = (now - before) as f64 / SAMPLES as f64;
        before = now;
        average
    };
    let ids: Vec<AnalysisId> = (0..SAMPLES).map(|n| id(&format!("new-{n}"))).collect();
    for (id, n) in ids.iter().zip(0..) {
        let created_at = CreatedAt::from_millis(newest - n * count / SAMPLES * step - 1);
        analyses.save_created(id, &document(), &Condition::None, created_at).await.unwrap();
    }
    let save = since();
    for id in &ids {
        analyses.load(id, &GetOptions::default()).await.unwrap();
    }
    let load = since();
    for _ in 0..SAMPLES {
        assert_eq!(analyses.list(&ListQuery::default()).await.unwrap().entries.len(), 100);
    }
    let page = since();
    for id in &ids {
        analyses.delete(id, None).await.unwrap();
    }
    Costs { save, load, page, delete: since() }
}

/// Makes the files of the index without the waits for the disk that saves take.
fn fill(root: &Path, created: impl Iterator<Item = CreatedAt>) {
    let layout = Layout::new("");
    let mut days: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for (n, created_at) in created.enumerate() {
        let summary = Summary {
            implementation: Label::unknown(),
            status: Label::unknown(),
            timestamp: None,
            execution_ms: None,
        };
        let saved_at = SavedAt::from(created_at.timestamp());
        let token = ContentToken::of_content(b"{}");
        let entry = Entry { id: id(&format!("old-{n}")), created_at, saved_at, token, summary, size: 2 };
        let key = layout.entry(&entry);
        let (folder, name) = folder::of_index(root, &key).unwrap();
        days.entry(folder.place).or_default().push(name.to_owned());
    }
    for (place, names) in days {
        fill_folder(&folder::Folder::new(place), names);
    }
}

fn fill_folder(folder: &folder::Folder, names: Vec<String>) {
    if names.len() > split::FULL {
        let mut below: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in names {
            below.entry(folder.digits(&name).unwrap().to_owned()).or_default().push(name);
        }
        for (digits, names) in below {
            fill_folder(&folder.below(&digits), names);
        }
    } else {
        fs::create_dir_all(&folder.place).unwrap();
        for name in names {
            File::create(folder.place.join(name)).unwrap();
        }
    }
}

#[tokio::test]
async fn at_a_hundred_thousand_analyses_no_operation_costs_more_than_half_as_much_again() {
    // One after the other, and a month of them.
    for steps in [[2, 2], [30 * 86_400_000 / 100, 30 * 86_400_000 / 100_000]] {
        let (few, many) = (costs(100, steps[0]).await, costs(100_000, steps[1]).await);
        for (few, many) in
            [(few.save, many.save), (few.load, many.load), (few.page, many.page), (few.delete, many.delete)]
        {
            assert!(many <= 1.5 * few, "{steps:?}: {few} at 100, {many} at 100,000");
        }
    }
}
