//! What every bucket must do, as tests: `bucket_contract!` runs them all against one implementation.
//!
//! ```test_harness
//! use std::sync::Arc;
//!
//! use analysis_storage::Bucket;
//! use analysis_storage::bucket::memory::MemoryBucket;
//!
//! // A new, empty bucket, and what must live as long as it: here nothing.
//! async fn open() -> (Arc<dyn Bucket>, ()) {
//!     (Arc::new(MemoryBucket::default()), ())
//! }
//!
//! analysis_storage::bucket_contract!(open());
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use jiff::SignedDuration;

use super::observed::{Fault, FaultyBucket, Operation};
use crate::analyses::{Analyses, StorageType};
use crate::bucket::{
    self, Bucket, BucketError, ByteRange, ETag, GetOptions, Got, Key, Object, Precondition, Put, RestoreTier,
    Restoring,
};
use crate::clock::{Clock, SystemClock};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::layout::Layout;
use crate::memory_budget::MemoryBudget;
use crate::protocol::Condition;
use crate::time::SavedAt;

/// How many writers race for one key.
const WRITERS: i64 = 32;

/// Runs the whole contract: one test for each rule. The expression opens a new, empty bucket; it is awaited
/// and gives the bucket and whatever must live as long as it.
#[macro_export]
macro_rules! bucket_contract {
    ($open:expr) => {
        $crate::bucket_contract!($open;
            an_object_is_read_back_as_it_was_written, there_is_nothing_under_an_unused_key,
            a_write_replaces_the_whole_object, a_large_object_survives, a_content_without_room_is_not_read, one_of_many_creators_wins,
            a_matching_write_needs_the_tag_of_the_moment, one_of_many_matching_writers_wins,
            a_matching_delete_needs_the_tag_of_the_moment, a_reader_that_holds_the_object_is_told_so,
            a_part_is_read_with_what_is_known_of_the_whole,
            what_is_not_archived_is_not_restored, keys_are_listed_in_byte_order, twenty_five_hundred_keys_are_paged,
            a_listing_begins_and_ends_where_told, folder_markers_are_not_listed, a_listing_shows_what_a_head_shows,
            a_write_has_the_token_that_is_found_later, a_listing_is_dated_by_the_clock_of_its_objects,
            readers_never_see_half_a_write, a_create_whose_answer_was_lost_is_recognised,
            a_lost_create_that_was_replaced_is_not_taken_for_ones_own
        );
    };
    ($open:expr; $($rule:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let (bucket, _alive) = $open.await;
                $crate::testing::contract::$rule(bucket).await;
            }
        )*
    };
}

type Shared = Arc<dyn Bucket>;

fn put(key: &str, body: impl Into<Bytes>, saved_at: i64, precondition: Precondition) -> Put {
    let saved_at = SavedAt::from_micros(1_767_225_600_000_000 + saved_at);
    Put { key: Key::new(key), body: body.into(), saved_at, metadata: Vec::new(), precondition }
}

async fn write(bucket: &Shared, key: &str, body: &'static str) -> ETag {
    bucket.put(put(key, body, 1, Precondition::None)).await.unwrap()
}

async fn read(bucket: &Shared, key: &str) -> Option<Object> {
    match bucket.get(&Key::new(key), GetOptions::default()).await.unwrap() {
        Got::Found(object) => Some(object),
        Got::Absent => None,
        Got::NotModified { .. } => panic!("no tag was sent"),
    }
}

async fn keys(bucket: &Shared, prefix: &str, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
    let listing = bucket.list(prefix, after, limit).await.unwrap();
    assert!(!listing.truncated || !listing.objects.is_empty(), "nothing to go on from");
    (listing.keys().map(ToString::to_string).collect(), listing.truncated)
}

fn is_refused<T>(result: &bucket::Result<T>) -> bool {
    matches!(result, Err(BucketError::PreconditionFailed(_)))
}

fn is_unmet<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::PreconditionFailed(_)))
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn an_object_is_read_back_as_it_was_written(bucket: Shared) {
    for (key, body) in [("a/full.json", "{\"text\":\"Gr\u{fc}\u{df}e\"}\r\n"), ("a/empty!x", "")] {
        let written = put(key, body, 123_456, Precondition::None);
        let etag = bucket.put(written.clone()).await.unwrap();
        let object = read(&bucket, key).await.unwrap();
        let head = bucket.head(&Key::new(key)).await.unwrap().unwrap();
        assert_eq!(object.body, body.as_bytes());
        assert_eq!((object.meta.saved_at, object.meta.size), (written.saved_at, body.len() as u64));
        assert_eq!((&object.meta.etag, object.meta.archived), (&etag, false));
        assert!(object.meta.is_ours && head.is_ours);
        assert_eq!((head.saved_at, head.size, head.etag), (written.saved_at, body.len() as u64, etag));
    }
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn there_is_nothing_under_an_unused_key(bucket: Shared) {
    write(&bucket, "a/b/c.json", "{}").await;
    for key in ["nothing", "a/b", "a/b/c", "a/b/c.json/d"] {
        assert!(read(&bucket, key).await.is_none(), "{key}");
        assert!(bucket.head(&Key::new(key)).await.unwrap().is_none(), "{key}");
    }
    bucket.delete(&Key::new("nothing"), None).await.unwrap();
    bucket.delete(&Key::new("a/b/c.json"), None).await.unwrap();
    assert!(read(&bucket, "a/b/c.json").await.is_none());
    assert_eq!(keys(&bucket, "", None, 10).await, (vec![], false));
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_write_replaces_the_whole_object(bucket: Shared) {
    let first = write(&bucket, "a", "a long first content").await;
    let second = bucket.put(put("a", "short", 2, Precondition::None)).await.unwrap();
    let object = read(&bucket, "a").await.unwrap();
    assert_ne!(first, second);
    assert_eq!((&object.body[..], object.meta.etag, object.meta.size), (&b"short"[..], second, 5));
    assert_eq!(object.meta.saved_at, put("a", "", 2, Precondition::None).saved_at);
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_large_object_survives(bucket: Shared) {
    let body: Bytes = (0..9_000_001_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    bucket.put(put("large", body.clone(), 1, Precondition::None)).await.unwrap();
    assert!(read(&bucket, "large").await.unwrap().body == body);
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn one_of_many_creators_wins(bucket: Shared) {
    let create = |n| bucket.put(put("race", format!("writer {n}"), n, Precondition::Absent));
    let results = join_all((0..WRITERS).map(create)).await;
    let winners: Vec<usize> = (0..results.len()).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert_eq!(results.iter().filter(|r| is_refused(r)).count(), results.len() - 1, "{results:?}");
    assert_eq!(read(&bucket, "race").await.unwrap().body, format!("writer {}", winners[0]));
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_matching_write_needs_the_tag_of_the_moment(bucket: Shared) {
    let first = write(&bucket, "a", "first").await;
    let second = bucket.put(put("a", "second", 2, Precondition::Match(first.clone()))).await.unwrap();
    assert!(is_refused(&bucket.put(put("a", "third", 3, Precondition::Match(first.clone()))).await));
    assert_eq!(read(&bucket, "a").await.unwrap().meta.etag, second);
    bucket.delete(&Key::new("a"), None).await.unwrap();
    assert!(is_refused(&bucket.put(put("a", "fourth", 4, Precondition::Match(second))).await));
    assert!(read(&bucket, "a").await.is_none());
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn one_of_many_matching_writers_wins(bucket: Shared) {
    let tag = write(&bucket, "race", "first").await;
    let replace = |n| bucket.put(put("race", format!("writer {n}"), n + 2, Precondition::Match(tag.clone())));
    let results = join_all((0..WRITERS).map(replace)).await;
    let winners: Vec<usize> = (0..results.len()).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert_eq!(read(&bucket, "race").await.unwrap().body, format!("writer {}", winners[0]));
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_matching_delete_needs_the_tag_of_the_moment(bucket: Shared) {
    let key = Key::new("a");
    let first = write(&bucket, "a", "first").await;
    let second = bucket.put(put("a", "second", 2, Precondition::None)).await.unwrap();
    assert!(is_refused(&bucket.delete(&key, Some(&first)).await));
    assert_eq!(read(&bucket, "a").await.unwrap().meta.etag, second);
    bucket.delete(&key, Some(&second)).await.unwrap();
    assert!(read(&bucket, "a").await.is_none());
    assert!(is_refused(&bucket.delete(&key, Some(&second)).await));
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_reader_that_holds_the_object_is_told_so(bucket: Shared) {
    let tag = write(&bucket, "a", "first").await;
    let get = async |key: &str, tag: &ETag| {
        let options = GetOptions { if_none_match: Some(tag.clone()), ..GetOptions::default() };
        bucket.get(&Key::new(key), options).await.unwrap()
    };
    assert!(matches!(get("a", &tag).await, Got::NotModified { last_modified: Some(_) }));
    assert!(matches!(get("b", &tag).await, Got::Absent));
    bucket.put(put("a", "second", 2, Precondition::None)).await.unwrap();
    assert!(matches!(get("a", &tag).await, Got::Found(object) if object.body == "second"));
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_part_is_read_with_what_is_known_of_the_whole(bucket: Shared) {
    let tag = write(&bucket, "a", "0123456789").await;
    let get = async |key: &str, range: &str, tag: Option<&ETag>| {
        let range = Some(ByteRange::parse(range).unwrap());
        let options = GetOptions { range, if_none_match: tag.cloned(), ..GetOptions::default() };
        bucket.get(&Key::new(key), options).await
    };
    let whole = bucket.head(&Key::new("a")).await.unwrap().unwrap();
    for (range, content, part) in [
        ("0-3", "0123", 0..4),
        ("4-4", "4", 4..5),
        ("8-", "89", 8..10),
        ("8-100", "89", 8..10),
        ("-3", "789", 7..10),
        ("-100", "0123456789", 0..10),
    ] {
        let Ok(Got::Found(object)) = get("a", range, None).await else { panic!("{range}") };
        assert_eq!((object.body.as_ref(), object.part), (content.as_bytes(), Some(part)), "{range}");
        assert_eq!((object.meta.size, &object.meta.etag), (10, &tag), "{range}");
        assert_eq!((object.meta.saved_at, object.meta.is_ours), (whole.saved_at, true), "{range}");
    }
    for range in ["10-", "10-20", "-0"] {
        let refused = get("a", range, None).await;
        assert!(matches!(refused, Err(BucketError::RangeNotSatisfiable(_))), "{range}: {refused:?}");
    }
    assert!(matches!(get("a", "0-3", Some(&tag)).await, Ok(Got::NotModified { .. })));
    assert!(matches!(get("b", "0-3", None).await, Ok(Got::Absent)));
    assert_eq!(read(&bucket, "a").await.unwrap().part, None);
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_content_without_room_is_not_read(bucket: Shared) {
    let content = vec![b'x'; 1 << 20];
    bucket.put(put("large", content.clone(), 1, Precondition::None)).await.unwrap();
    write(&bucket, "small", "{}").await;
    let budget = MemoryBudget::of(MemoryBudget::for_one_of(1 << 20));
    let get = async |key: &str| {
        bucket.get(&Key::new(key), GetOptions { budget: budget.clone(), ..GetOptions::default() }).await
    };
    let Ok(Got::Found(first)) = get("large").await else { panic!("there is room for one") };
    assert_eq!(first.body, content);
    assert!(matches!(get("large").await, Err(BucketError::NoRoom(1_048_576))));
    assert!(matches!(get("small").await, Ok(Got::Found(object)) if object.body == "{}"));
    drop(first);
    assert!(matches!(get("large").await, Ok(Got::Found(_))));
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn what_is_not_archived_is_not_restored(bucket: Shared) {
    write(&bucket, "a", "first").await;
    for (key, expected) in [("a", Restoring::NotArchived), ("b", Restoring::Absent)] {
        match bucket.restore(&Key::new(key), 1, RestoreTier::Standard).await {
            Ok(restoring) => assert_eq!(restoring, expected, "{key}"),
            Err(BucketError::Unsupported(_)) => {}
            Err(error) => panic!("{key}: {error}"),
        }
    }
    assert_eq!(read(&bucket, "a").await.unwrap().body, "first");
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn keys_are_listed_in_byte_order(bucket: Shared) {
    let mut expected: Vec<String> =
        ["a", "a!", "a!b", "a-", "a.b", "a0", "aB", "a_", "ab", "a~", "A", "Z", "0", "x y", "\u{e9}", "z"]
            .map(|name| format!("dir/{name}"))
            .to_vec();
    expected.extend(["dir.txt", "dir!", "dir0", "dir/sub/x", "dir/sub!", "dir/sub0"].map(String::from));
    for key in &expected {
        bucket.put(put(key, "", 1, Precondition::None)).await.unwrap();
    }
    expected.sort();
    assert_eq!(keys(&bucket, "", None, 1000).await, (expected.clone(), false));
    let mut one_by_one = Vec::new();
    while let (Some(key), _) = {
        let (mut page, truncated) = keys(&bucket, "", one_by_one.last().map(String::as_str), 1).await;
        (page.pop(), truncated)
    } {
        one_by_one.push(key);
    }
    assert_eq!(one_by_one, expected);
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn twenty_five_hundred_keys_are_paged(bucket: Shared) {
    let expected: BTreeSet<String> = (0..2500).map(|n| format!("many/{:04}!x", (n * 7919) % 2500)).collect();
    for chunk in expected.iter().collect::<Vec<_>>().chunks(50) {
        let writes = chunk.iter().map(|key| bucket.put(put(key, "", 1, Precondition::None)));
        assert!(join_all(writes).await.iter().all(Result::is_ok));
    }
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let (page, truncated) = keys(&bucket, "many/", seen.last().map(String::as_str), 5000).await;
        sizes.push(page.len());
        seen.extend(page);
        if !truncated {
            break;
        }
    }
    assert_eq!(sizes, [1000, 1000, 500]);
    assert!(seen.iter().eq(&expected));
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_listing_begins_and_ends_where_told(bucket: Shared) {
    for key in ["a/1", "b/1", "b/2", "b/3", "b/4!x", "b/4!y", "c/1"] {
        write(&bucket, key, "").await;
    }
    let listed = async |prefix: &str, after: Option<&str>, limit: usize| {
        let (keys, truncated) = keys(&bucket, prefix, after, limit).await;
        format!("{}{}", keys.join(" "), if truncated { " ..." } else { "" })
    };
    assert_eq!(listed("b/", None, 3).await, "b/1 b/2 b/3 ...");
    assert_eq!(listed("b/", Some("b/3"), 2).await, "b/4!x b/4!y");
    assert_eq!(listed("b/", Some("b/25"), 1).await, "b/3 ...");
    assert_eq!(listed("b/4", None, 9).await, "b/4!x b/4!y");
    assert_eq!(listed("b/", Some("a"), 2).await, "b/1 b/2 ...");
    assert_eq!(listed("b/", Some("b/4~"), 2).await, "");
    assert_eq!(listed("b/", Some("c"), 2).await, "");
    assert_eq!(listed("nothing/", None, 2).await, "");
    bucket.delete(&Key::new("b/2"), None).await.unwrap();
    assert_eq!(listed("b/", None, 2).await, "b/1 b/3 ...");
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn folder_markers_are_not_listed(bucket: Shared) {
    for key in ["dir/", "dir/a/", "dir/b/", "dir/c/"] {
        match bucket.put(put(key, "", 1, Precondition::None)).await {
            // In directories there are none.
            Ok(_) | Err(BucketError::BadKey { .. }) => {}
            Err(error) => panic!("{key}: {error}"),
        }
    }
    for key in ["dir/b/x", "dir/b/y"] {
        write(&bucket, key, "").await;
    }
    assert_eq!(keys(&bucket, "dir/", None, 1).await, (vec!["dir/b/x".into()], true));
    assert_eq!(keys(&bucket, "dir/", Some("dir/b/x"), 1).await.0, ["dir/b/y"]);
    assert_eq!(keys(&bucket, "dir/", Some("dir/b/y"), 1000).await, (vec![], false));
    assert_eq!(keys(&bucket, "", None, 1000).await.0, ["dir/b/x", "dir/b/y"]);
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_listing_shows_what_a_head_shows(bucket: Shared) {
    for (key, body) in [("a/1", ""), ("a/2", "two"), ("a/3", "three")] {
        write(&bucket, key, body).await;
    }
    bucket.put(put("a/2", "two again", 2, Precondition::None)).await.unwrap();
    let listing = bucket.list("a/", None, 10).await.unwrap();
    assert_eq!(listing.objects.len(), 3);
    for listed in listing.objects {
        let head = bucket.head(&listed.key).await.unwrap().unwrap();
        assert_eq!((listed.size, &listed.etag, listed.token), (head.size, &head.etag, head.token));
        assert!(listed.saved_at.is_none_or(|saved_at| saved_at == head.saved_at), "{listed:?}");
        // One of the two may be cut to the second.
        let apart = listed.last_modified.duration_since(head.last_modified);
        assert!(apart.abs() < SignedDuration::from_secs(1), "{listed:?} {head:?}");
    }
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_write_has_the_token_that_is_found_later(bucket: Shared) {
    let (one, two) = (Bytes::from_static(b"{\"a\":1}"), Bytes::from_static(b"{\"a\":2}"));
    let mut tokens = Vec::new();
    for (key, body) in [("a", &one), ("b", &two), ("c", &one)] {
        let etag = bucket.put(put(key, body.clone(), 1, Precondition::None)).await.unwrap();
        let token = bucket.token(&etag, body);
        let head = bucket.head(&Key::new(key)).await.unwrap().unwrap();
        let listing = bucket.list(key, None, 1).await.unwrap();
        let read = read(&bucket, key).await.unwrap();
        for found in [head.token, listing.objects[0].token, read.meta.token] {
            assert!(found.is_none_or(|found| found == token), "{key}: {found:?} instead of {token:?}");
        }
        tokens.push(token);
    }
    assert_ne!(tokens[0], tokens[1]);
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_listing_is_dated_by_the_clock_of_its_objects(bucket: Shared) {
    let saved_at: SavedAt = SystemClock.now().into();
    bucket.put(Put { saved_at, ..put("a", "first", 0, Precondition::None) }).await.unwrap();
    let before = SystemClock.now();
    let listing = bucket.list("", None, 1).await.unwrap();
    let after = SystemClock.now();
    // Local files have the time that their writer gave them, to the second if need be.
    let age = listing.date.duration_since(listing.objects[0].last_modified);
    let few = SignedDuration::from_secs(5);
    assert!(age > SignedDuration::from_secs(-2) && age < few, "{listing:?}");
    let offset = bucket.clock_offset().unwrap();
    assert!(listing.date <= after + offset + SignedDuration::from_secs(1), "{listing:?} is of the future");
    assert!((before + offset).duration_since(listing.date) < few, "{listing:?} is of the past");
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn readers_never_see_half_a_write(bucket: Shared) {
    let body = |n: u8| Bytes::from(vec![b'a' + n % 26; 100_000 + usize::from(n)]);
    bucket.put(put("torn", body(0), 0, Precondition::None)).await.unwrap();
    let writer = async {
        for n in 1..60 {
            bucket.put(put("torn", body(n), n.into(), Precondition::None)).await.unwrap();
        }
    };
    let reader = async {
        for _ in 0..60 {
            let object = read(&bucket, "torn").await.unwrap();
            let n = u8::try_from(object.body.len() - 100_000).unwrap();
            assert!(object.body == body(n), "torn content");
            assert_eq!(
                object.meta.saved_at,
                put("", "", n.into(), Precondition::None).saved_at,
                "metadata of other programs"
            );
            assert_eq!(object.meta.size, object.body.len() as u64);
        }
    };
    futures::join!(writer, reader, async { reader_of_heads(&bucket).await });
}

async fn reader_of_heads(bucket: &Shared) {
    for _ in 0..60 {
        let meta = bucket.head(&Key::new("torn")).await.unwrap().unwrap();
        let n = i64::try_from(meta.size - 100_000).unwrap();
        assert_eq!(meta.saved_at, put("", "", n, Precondition::None).saved_at);
    }
}

fn analyses(bucket: Shared) -> Analyses {
    Analyses::new(bucket, StorageType::Memory, Layout::new("t"), Arc::new(SystemClock))
}

fn document(text: &'static str) -> Document {
    Document::parse(Bytes::from_static(text.as_bytes())).unwrap()
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_create_whose_answer_was_lost_is_recognised(bucket: Shared) {
    let id = AnalysisId::from_stored("study-1").unwrap();
    let faulty = FaultyBucket::once(Arc::clone(&bucket), Operation::Put, "/analysis/", Fault::AnswerLost);
    let saved =
        analyses(Arc::new(faulty)).save(&id, &document("{\"a\":1}"), &Condition::Absent).await.unwrap();
    assert!(saved.created);
    let second = analyses(Arc::clone(&bucket)).save(&id, &document("{\"a\":2}"), &Condition::Absent).await;
    assert!(is_unmet(&second), "{second:?}");
    let page = analyses(bucket).list(&crate::query::ListQuery::default()).await.unwrap();
    assert_eq!(page.entries, [saved.entry]);
}

#[expect(missing_docs, reason = "the names are the rules")]
pub async fn a_lost_create_that_was_replaced_is_not_taken_for_ones_own(bucket: Shared) {
    // Of a named id its record tells at once that it is taken.
    let id = AnalysisId::from_stored("018cc251-f400-7000-8000-000000000000").unwrap();
    let theirs =
        analyses(Arc::clone(&bucket)).save(&id, &document("{\"a\":2}"), &Condition::Absent).await.unwrap();
    let save = async |fault| {
        let faulty = FaultyBucket::once(Arc::clone(&bucket), Operation::Put, "/analysis/", fault);
        analyses(Arc::new(faulty)).save(&id, &document("{\"a\":1}"), &Condition::Absent).await
    };
    // What its repetition meets is not its own write, and may have replaced that.
    let ours = save(Fault::RequestLost).await;
    assert!(matches!(ours, Err(Error::NoAnswer { .. })), "whether it took effect is unknown: {ours:?}");
    let ours = save(Fault::Refused).await;
    assert!(is_unmet(&ours), "it had no effect: {ours:?}");
    let meta = analyses(bucket).describe(&id).await.unwrap();
    assert_eq!(meta.saved_at, theirs.entry.saved_at);
}
