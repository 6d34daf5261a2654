//! What only people can decide: documents that are damaged, gone, or replaced by another program.

use std::fs;
use std::time::Duration;

use analysis_storage::bucket::{ETag, GetOptions, Got, Object};
use analysis_storage::repair::{Contents, Damage, Finding, Mode};
use analysis_storage::testing::Operation;
use analysis_storage::{Clock, Condition, Doubt, Entry, Error, Key, SavedAt, SystemClock};

use crate::store::{FORGETTING, ONE, Store, TWO, UUID7, document, maintain};

const ADOPTING: Mode = Mode::Repair { adopt_changed: true, forget_lost: false };

/// A store in files whose document of this id another program has overwritten with these bytes.
async fn overwritten(id: &str, bytes: &[u8]) -> (Store, Entry) {
    let store = Store::local().await;
    let entry = store.save(id, ONE).await;
    store.write_file(&store.analyses.document_key(&entry), bytes);
    (store, entry)
}

async fn repair(store: &Store, mode: Mode) -> Vec<Finding> {
    maintain(&store.analyses, None, mode).await.findings
}

/// Repairs as often as one likes leave the one finding, and the entry that says what was saved.
async fn is_left(store: &Store, mode: Mode, damage: Damage, entry: &Entry) -> Finding {
    for mode in [mode, mode, Mode::CHECK] {
        let findings = repair(store, mode).await;
        assert_eq!(findings.len(), 1, "{mode:?} {findings:?}");
        let finding = &findings[0];
        assert_eq!((finding.damage, finding.repaired), (damage, false), "{finding}");
        assert_eq!(finding.id.as_ref(), Some(&entry.id));
    }
    assert_eq!(store.list().await, std::slice::from_ref(entry));
    repair(store, mode).await.remove(0)
}

#[tokio::test]
async fn a_document_that_is_no_json_object_is_damaged_and_never_adopted() {
    let half = &ONE.as_bytes()[..ONE.len() / 2];
    let junk = vec![0; ONE.len()];
    for id in ["study-1", UUID7] {
        for bytes in [&b""[..], half, &junk, b"null", b"[1]"] {
            let (store, entry) = overwritten(id, bytes).await;
            for mode in [Mode::REPAIR, ADOPTING, FORGETTING] {
                let finding = is_left(&store, mode, Damage::DamagedDocument, &entry).await;
                let advice = finding.advice.clone().unwrap();
                assert!(advice.contains(&format!("restore --id {id} --from BACKUP")), "{advice}");
                assert!(finding.to_string().starts_with(&format!("damaged: {id} (")), "{finding}");
            }
        }
    }
}

#[tokio::test]
async fn a_document_with_the_time_of_its_save_and_other_bytes_is_damaged() {
    // As what lies below file systems leaves it: nothing but the bytes tells.
    let (store, entry) = overwritten("study-1", TWO.as_bytes()).await;
    store.touch(&store.analyses.document_key(&entry), entry.saved_at);
    for mode in [Mode::REPAIR, ADOPTING] {
        let finding = is_left(&store, mode, Damage::DamagedDocument, &entry).await;
        let sizes = format!("has {} bytes, and {} were saved", TWO.len(), ONE.len());
        assert!(finding.detail.unwrap().contains(&sizes));
    }
    let object = store.get(&store.analyses.document_key(&entry)).await;
    assert!(matches!(Doubt::about(&entry, &object), Some(Doubt::Damaged(_))));
}

#[tokio::test]
async fn reading_the_contents_finds_what_no_listing_shows() {
    let other = ONE.replace("one", "ONE");
    let (store, entry) = overwritten("study-1", other.as_bytes()).await;
    store.save(UUID7, ONE).await;
    store.touch(&store.analyses.document_key(&entry), entry.saved_at);
    assert_eq!(store.check().await, []);
    let mut contents = Vec::new();
    for month in store.analyses.months().await.unwrap() {
        let mut check = store.analyses.repair_month(month, Mode::CHECK).naming_agreed();
        while let Some(page) = check.step().await.unwrap() {
            for document in page.agreed {
                contents.push(store.analyses.check_contents(&document).await.unwrap());
            }
        }
    }
    let (sound, found): (Vec<_>, Vec<_>) =
        contents.into_iter().partition(|c| matches!(c, Contents::Sound(_)));
    assert_eq!(sound, [Contents::Sound(ONE.len() as u64)]);
    let [Contents::Found(finding)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.damage, finding.id.as_ref()), (Damage::DamagedDocument, Some(&entry.id)));
}

#[tokio::test]
async fn a_look_at_what_is_indexed_finds_lost_and_damaged_documents_and_nothing_else() {
    for store in Store::each().await {
        for id in ["lost", "damaged", "sound", "orphan"] {
            store.save(id, ONE).await;
        }
        store.clock.advance(Duration::from_hours(1));
        for part in ["/lost.json", "!orphan!", "/ids/sound"] {
            store.remove(part).await;
        }
        store
            .put(&format!("analysis/{}/damaged.json", store.month().to_string().replace('-', "/")), "", &[])
            .await;
        store.clock.advance(Duration::from_hours(1));
        let mut check = store.analyses.repair_month(store.month(), Mode::CHECK).of_indexed();
        let mut damage = Vec::new();
        while let Some(page) = check.step().await.unwrap() {
            damage.extend(page.findings.into_iter().map(|finding| finding.damage));
        }
        assert_eq!(damage, [Damage::DamagedDocument, Damage::DanglingEntry]);
    }
}

#[tokio::test]
async fn bytes_that_changed_in_place_are_in_doubt_whatever_their_number() {
    let other = ONE.replace("one", "ONE");
    let (store, entry) = overwritten("study-1", other.as_bytes()).await;
    store.touch(&store.analyses.document_key(&entry), entry.saved_at);
    let object = store.get(&store.analyses.document_key(&entry)).await;
    let doubt = Doubt::Damaged("has other bytes than were saved".to_owned());
    assert_eq!(Doubt::about(&entry, &object), Some(doubt));
}

#[tokio::test]
async fn a_document_that_another_program_replaced_is_adopted_only_if_people_say_so() {
    for id in ["study-1", UUID7] {
        let (store, entry) = overwritten(id, TWO.as_bytes()).await;
        let finding = is_left(&store, Mode::REPAIR, Damage::ChangedDocument, &entry).await;
        assert!(finding.advice.unwrap().contains("repair --adopt-changed"));
        let findings = repair(&store, ADOPTING).await;
        let [adopted] = &findings[..] else { panic!("{findings:?}") };
        assert!(adopted.repaired && adopted.to_string().starts_with("adopted changed: "), "{adopted}");
        let [listed] = &store.list().await[..] else { panic!("one entry") };
        assert_eq!((listed.summary.status.as_str(), listed.created_at), ("two", entry.created_at));
        assert_eq!(store.check().await, []);
    }
}

#[tokio::test]
async fn a_document_that_was_copied_to_another_time_is_no_change() {
    let (store, entry) = overwritten("study-1", ONE.as_bytes()).await;
    assert_eq!(store.damage().await, [Damage::Orphan]);
    store.heal().await;
    let [listed] = &store.list().await[..] else { panic!("one entry") };
    assert!(listed.token == entry.token && listed.saved_at != entry.saved_at);
}

#[tokio::test]
async fn a_refused_save_or_delete_takes_no_change_of_another_program_into_the_index() {
    let (store, entry) = overwritten("study-1", TWO.as_bytes()).await;
    let id = store.id("study-1");
    for bytes in [TWO.as_bytes(), b""] {
        store.write_file(&store.analyses.document_key(&entry), bytes);
        let refused = store.analyses.save(&id, &document(ONE), &Condition::Absent).await;
        assert!(matches!(refused, Err(Error::PreconditionFailed(_))), "{refused:?}");
        let tag = ETag::new("\"other\"");
        let refused = store.analyses.delete(&id, Some(&tag)).await;
        assert!(matches!(refused, Err(Error::PreconditionFailed(_))), "{refused:?}");
        assert_eq!(store.list().await, std::slice::from_ref(&entry));
    }
}

#[tokio::test]
async fn a_document_of_another_program_that_is_no_json_is_left_where_it_lies() {
    for store in Store::each().await {
        store.put("analysis/2024/02/empty.json", "", &[]).await;
        store.put("analysis/2024/02/cut.json", r#"{"status":"#, &[]).await;
        let key = "analysis/2024/01/018cc251-f400-7000-8000-000000000000.json";
        store.put(key, "\u{0}\u{1}", &[]).await;
        for mode in [Mode::REPAIR, ADOPTING, Mode::CHECK] {
            store.clock.advance(Duration::from_hours(1));
            let damage: Vec<Damage> = repair(&store, mode).await.iter().map(|f| f.damage).collect();
            assert_eq!(damage, [Damage::DamagedDocument; 3], "{mode:?}");
        }
        assert_eq!(store.list().await, []);
        assert!(store.keys().await.iter().all(|key| !key.contains("/ids/")), "no record of what is none");
    }
}

#[tokio::test]
async fn a_document_that_is_gone_is_lost_until_people_forget_it() {
    for store in Store::each().await {
        let mut entries = Vec::new();
        for id in ["study-1", UUID7] {
            entries.push(store.save(id, ONE).await);
        }
        store.remove("/analysis/").await;
        for mode in [Mode::REPAIR, ADOPTING, Mode::REPAIR] {
            let findings = repair(&store, mode).await;
            assert_eq!(findings.len(), 2, "{findings:?}");
            for finding in findings {
                let entry = entries.iter().find(|entry| finding.id.as_ref() == Some(&entry.id)).unwrap();
                let start =
                    format!("LOST: {} (saved {}, {} bytes): restore", entry.id, entry.saved_at, entry.size);
                assert!(!finding.repaired && finding.to_string().starts_with(&start), "{finding}");
            }
        }
        assert_eq!(store.list().await.len(), 2);
        let findings = repair(&store, FORGETTING).await;
        assert!(findings.iter().all(|finding| finding.repaired && finding.damage == Damage::DanglingEntry));
        assert_eq!((findings.len(), store.list().await), (2, vec![]));
    }
}

#[tokio::test]
async fn what_is_lost_is_brought_back_by_a_save_and_given_up_by_a_delete() {
    for store in Store::each().await {
        for id in ["saved", "deleted", "refused"] {
            store.save(id, ONE).await;
        }
        store.remove("/analysis/").await;
        store.save("saved", TWO).await;
        store.analyses.delete(&store.id("deleted"), None).await.unwrap();
        let refused = store.analyses.save(&store.id("refused"), &document(TWO), &Condition::Present).await;
        assert!(matches!(refused, Err(Error::PreconditionFailed(_))), "{refused:?}");
        let findings = repair(&store, Mode::REPAIR).await;
        let [lost] = &findings[..] else { panic!("{findings:?}") };
        assert_eq!(lost.id, Some(store.id("refused")), "a save that is refused forgets nothing");
        assert_eq!(store.list().await.len(), 2);
    }
}

#[tokio::test]
async fn an_entry_of_the_earlier_format_whose_document_is_gone_is_kept_in_the_present_one() {
    for store in Store::each().await {
        let entry = store.save("study-1", ONE).await;
        store.remove("/analysis/").await;
        crate::legacy_entries::age(&store, &entry).await;
        let damage: Vec<Damage> = repair(&store, Mode::REPAIR).await.iter().map(|f| f.damage).collect();
        assert_eq!(damage, [Damage::Legacy, Damage::DanglingEntry]);
        let [kept] = &store.list().await[..] else { panic!("one entry") };
        assert_eq!((&kept.id, kept.saved_at, kept.size), (&entry.id, entry.saved_at, entry.size));
        let findings = repair(&store, Mode::REPAIR).await;
        assert_eq!(findings.iter().map(|f| f.damage).collect::<Vec<_>>(), [Damage::DanglingEntry]);
        store.heal().await;
        assert_eq!(store.list().await, []);
    }
}

#[tokio::test]
async fn a_crashed_save_is_told_from_a_change() {
    let store = Store::local().await;
    store.save("study-1", ONE).await;
    store.clock.advance(Duration::from_mins(1));
    let crashing = store.crashing(Operation::Put, "/index/");
    crashing.save(&store.id("study-1"), &document(TWO), &Condition::None).await.unwrap_err();
    let findings = repair(&store, Mode::REPAIR).await;
    let [orphan] = &findings[..] else { panic!("{findings:?}") };
    assert!(orphan.damage == Damage::Orphan && orphan.repaired);
    assert_eq!(store.list().await[0].summary.status.as_str(), "two");
}

#[tokio::test]
async fn what_is_copied_while_a_save_replaces_it_is_in_no_doubt() {
    for store in Store::each().await {
        let listed = store.save("study-1", ONE).await;
        store.clock.advance(Duration::from_mins(1));
        store.save("study-1", TWO).await;
        let object = store.get(&store.analyses.document_key(&listed)).await;
        assert_eq!(Doubt::about(&listed, &object), None);
    }
}

#[tokio::test]
async fn a_wound_is_healed_by_what_its_own_save_recorded_and_not_over_a_later_save() {
    for store in Store::each().await {
        let entry = store.save("study-1", ONE).await;
        store.remove("/study-1.json").await;
        let lost = repair(&store, Mode::REPAIR).await.remove(0);
        let wounded = store.analyses.find_wound(&lost).await.unwrap().unwrap();
        assert!(wounded.is_gone() && *wounded.entry() == entry);
        assert!(wounded.is_healed_by(ONE.as_bytes(), None));
        for other in [TWO, &ONE.replace("one", "ONE")] {
            assert!(!wounded.is_healed_by(other.as_bytes(), Some(entry.saved_at)), "{other}");
        }
        store.clock.advance(Duration::from_mins(1));
        store.save("study-1", TWO).await;
        assert!(!store.analyses.heal(&wounded, &document(ONE)).await.unwrap(), "another save was faster");
        store.remove("/study-1.json").await;
        let wounded = store.analyses.find_wound(&lost).await.unwrap().unwrap();
        assert!(!wounded.is_healed_by(ONE.as_bytes(), None), "that is of the save before");
        assert!(store.analyses.heal(&wounded, &document(TWO)).await.unwrap());
        let [listed] = &store.list().await[..] else { panic!("one entry") };
        assert_eq!((listed.created_at, listed.token), (entry.created_at, wounded.entry().token));
        assert_eq!(store.analyses.find_wound(&lost).await.unwrap(), None);
        assert_eq!(store.check().await, []);
    }
}

impl Store {
    /// Overwrites a file as another program does.
    fn write_file(&self, key: &Key, bytes: &[u8]) {
        fs::write(self.file(key), bytes).unwrap();
        // One write in a thousand ends on a whole microsecond, as all of ours do.
        let micros = u64::try_from(SystemClock.now().as_microsecond()).unwrap();
        self.set_modified(key, Duration::from_micros(micros) + Duration::from_nanos(7));
    }

    /// Gives a file the time of this save.
    fn touch(&self, key: &Key, saved_at: SavedAt) {
        self.set_modified(key, Duration::from_micros(u64::try_from(saved_at.micros()).unwrap()));
    }

    fn set_modified(&self, key: &Key, age: Duration) {
        let file = fs::File::options().append(true).open(self.file(key)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + age).unwrap();
    }

    async fn get(&self, key: &Key) -> Object {
        let got = self.bucket.get(key, GetOptions::default()).await.unwrap();
        let object = if let Got::Found(object) = got { Some(object) } else { None };
        object.unwrap()
    }
}
