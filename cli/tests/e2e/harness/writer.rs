//! Clients that do a bit of everything at random, and know what may be stored whatever they were answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use analysis_storage::{AnalysisId, Clock, CreatedAt, SystemClock};
use serde_json::Value;

use crate::harness::random::Random;
use crate::harness::{Answer, Client, JSON};

/// Sends a request; no answer means that nobody knows whether it took effect.
pub(crate) type Ask<'a> = &'a dyn Fn(&str, &str, &[(&str, &str)], &[u8]) -> Option<Answer>;

/// A client with ids of its own, which no other client changes.
#[derive(Debug)]
pub(crate) struct Writer {
    number: u64,
    random: Random,
    sent: u64,
    ids: BTreeMap<String, Belief>,
    /// The ids that were changed since the last check.
    touched: BTreeSet<String>,
    /// Documents sent without an id whose saving was not answered: they may be stored under any other id.
    strays: BTreeSet<u64>,
    pub(crate) tally: Tally,
}

/// How the changes that a writer has asked for were answered.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) acknowledged: usize,
    pub(crate) unanswered: usize,
}

/// What may be stored under an id.
#[derive(Debug, Clone)]
struct Belief {
    /// The numbers of the documents that may be there; `None` stands for none.
    may_be: BTreeSet<Option<u64>>,
    /// Whether the last change was answered: there is one possibility only, and the list must show it.
    certain: bool,
    /// The entity tag of the last document that was acknowledged.
    tag: String,
}

/// The condition of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Absent,
    Tag,
    WrongTag,
}

impl Belief {
    fn certain(document: Option<u64>, tag: String) -> Self {
        Self { may_be: BTreeSet::from([document]), certain: true, tag }
    }

    /// Whether an analysis is there, if that is certain.
    fn exists(&self) -> Option<bool> {
        self.certain.then(|| self.may_be.iter().any(Option::is_some))
    }

    fn add(&mut self, document: Option<u64>) {
        self.certain &= self.may_be.contains(&document);
        self.may_be.insert(document);
    }

    /// The statuses that a save may be answered with.
    fn saved(&self, when: When) -> &'static [u16] {
        match (self.exists(), when) {
            (_, When::WrongTag) | (Some(false), When::Tag) | (Some(true), When::Absent) => &[412],
            (Some(false), When::Always | When::Absent) => &[201],
            (Some(true), When::Always | When::Tag) => &[200],
            (None, When::Always) => &[200, 201],
            (None, When::Absent) => &[201, 412],
            (None, When::Tag) => &[200, 412],
        }
    }

    /// The statuses that a delete may be answered with; 409 while a document has no entry.
    fn deleted(&self, when: When) -> &'static [u16] {
        match (self.exists(), when) {
            (Some(false), _) => &[404],
            (Some(true), When::WrongTag) => &[412],
            (Some(true), _) => &[204],
            (None, When::WrongTag) => &[404, 409, 412],
            (None, When::Tag) => &[204, 404, 409, 412],
            (None, _) => &[204, 404, 409],
        }
    }
}

/// The document with this number: 1 KB to 300 KB.
fn document(number: u64) -> Vec<u8> {
    let mut random = Random::new(number);
    let length = match random.below(20) {
        0..=5 => 100_000 + random.below(200_000),
        6..=10 => 8_000 + random.below(56_000),
        _ => 1_000 + random.below(7_000),
    };
    let (kind, word) =
        (["hybrid", "openai", "langchain"][usize::try_from(number % 3).unwrap()], format!("{number} "));
    let text = word.repeat(usize::try_from(length).unwrap() / word.len());
    format!(r#"{{"implementation":"{kind}","status":"success","number":{number},"text":"{text}"}}"#)
        .into_bytes()
}

impl Writer {
    /// Writers that differ in all they do, also from those of another seed.
    pub(crate) fn several(count: u64, seed: u64) -> Vec<Self> {
        (0..count).map(|number| Self::new(seed * 100 + number, seed)).collect()
    }

    fn new(number: u64, seed: u64) -> Self {
        Self {
            number,
            random: Random::new(seed.wrapping_mul(1000).wrapping_add(number)),
            sent: 0,
            ids: BTreeMap::new(),
            touched: BTreeSet::new(),
            strays: BTreeSet::new(),
            tally: Tally::default(),
        }
    }

    /// Makes one request and judges the answer. Whether there was one.
    pub(crate) fn step(&mut self, ask: Ask<'_>) -> bool {
        let dice = self.random.below(100);
        let known: Vec<&String> = self.ids.keys().collect();
        let Some(id) = self.random.one_of(&known).map(|id| (*id).clone()) else { return self.post(ask) };
        match dice {
            0..20 => self.post(ask),
            20..45 => self.create(ask),
            45..65 => self.replace(ask, &id),
            65..78 => self.delete(ask, &id),
            78..90 => self.load(ask, &id),
            90..95 => self.list(ask),
            _ => self.stats(ask),
        }
    }

    fn next_document(&mut self) -> (u64, Vec<u8>) {
        self.sent += 1;
        let number = self.number * 1_000_000 + self.sent;
        (number, document(number))
    }

    fn post(&mut self, ask: Ask<'_>) -> bool {
        let (number, body) = self.next_document();
        let Some(answer) = ask("POST", "/analyses", &[JSON], &body) else {
            self.strays.insert(number);
            self.tally.unanswered += 1;
            return false;
        };
        assert_eq!(answer.status, 201, "POST {number}: {}", answer.text());
        let id = answer.header("location").rsplit_once('/').unwrap().1.to_owned();
        let belief = Belief::certain(Some(number), answer.header("etag").to_owned());
        assert!(self.ids.insert(id.clone(), belief).is_none(), "the new id {id} was known");
        self.touched.insert(id);
        self.tally.acknowledged += 1;
        true
    }

    fn create(&mut self, ask: Ask<'_>) -> bool {
        let id = if self.random.below(2) == 0 {
            // Of today, or of a day whose totals are stored.
            let age = Duration::from_hours([0, 48, 1000][usize::try_from(self.random.below(3)).unwrap()]);
            let created_at = CreatedAt::clamped(SystemClock.now() - age);
            AnalysisId::generate(created_at, [self.random.next(), self.random.next()]).to_string()
        } else {
            format!("study-{}-{}", self.number, self.sent)
        };
        self.ids.insert(id.clone(), Belief::certain(None, "\"none\"".into()));
        let when = if self.random.below(2) == 0 { When::Absent } else { When::Always };
        self.put(ask, &id, when)
    }

    fn replace(&mut self, ask: Ask<'_>, id: &str) -> bool {
        let when = match self.random.below(10) {
            0 => When::WrongTag,
            1 | 2 => When::Absent,
            3..=5 => When::Tag,
            _ => When::Always,
        };
        self.put(ask, id, when)
    }

    fn put(&mut self, ask: Ask<'_>, id: &str, when: When) -> bool {
        let (number, body) = self.next_document();
        let belief = self.ids.get_mut(id).unwrap();
        let condition = match when {
            When::Always => ("accept", "*/*"),
            When::Absent => ("if-none-match", "*"),
            When::Tag => ("if-match", &*belief.tag),
            When::WrongTag => ("if-match", "\"wrong\""),
        };
        let answer = ask("PUT", &format!("/analyses/{id}"), &[JSON, condition], &body);
        let expected = belief.saved(when);
        self.touched.insert(id.to_owned());
        let Some(answer) = answer else {
            if expected != [412] {
                belief.add(Some(number));
            }
            self.tally.unanswered += 1;
            return false;
        };
        let text = answer.text();
        assert!(expected.contains(&answer.status), "PUT {id} {when:?}: {text}; {belief:?}");
        if answer.status != 412 {
            *belief = Belief::certain(Some(number), answer.header("etag").to_owned());
            self.tally.acknowledged += 1;
        }
        true
    }

    fn delete(&mut self, ask: Ask<'_>, id: &str) -> bool {
        let when = match self.random.below(10) {
            0 => When::WrongTag,
            1..=4 => When::Tag,
            _ => When::Always,
        };
        let belief = self.ids.get_mut(id).unwrap();
        let condition = match when {
            When::Always | When::Absent => ("accept", "*/*"),
            When::Tag => ("if-match", &*belief.tag),
            When::WrongTag => ("if-match", "\"wrong\""),
        };
        let answer = ask("DELETE", &format!("/analyses/{id}"), &[condition], b"");
        let expected = belief.deleted(when);
        self.touched.insert(id.to_owned());
        let Some(answer) = answer else {
            if expected.contains(&204) {
                belief.add(None);
            }
            self.tally.unanswered += 1;
            return false;
        };
        assert!(expected.contains(&answer.status), "DELETE {id} {when:?}: {}; {belief:?}", answer.text());
        if matches!(answer.status, 204 | 404) {
            *belief = Belief::certain(None, belief.tag.clone());
            self.tally.acknowledged += 1;
        }
        true
    }

    fn load(&self, ask: Ask<'_>, id: &str) -> bool {
        let Some(answer) = ask("GET", &format!("/analyses/{id}"), &[], b"") else { return false };
        self.judge_load(id, &answer);
        true
    }

    /// The number of the document that was found.
    fn judge_load(&self, id: &str, answer: &Answer) -> Option<u64> {
        let belief = &self.ids[id];
        if answer.status == 404 {
            assert!(belief.may_be.contains(&None), "GET {id}: 404; {belief:?}");
            return None;
        }
        assert_eq!(answer.status, 200, "GET {id}: {}", answer.text());
        let is_found = |number: &&u64| answer.body == document(**number);
        let found = belief.may_be.iter().flatten().find(is_found).copied();
        assert!(found.is_some(), "GET {id}: {} unexpected bytes; {belief:?}", answer.body.len());
        assert!(!belief.certain || answer.header("etag") == belief.tag, "GET {id}: another tag; {belief:?}");
        found
    }

    fn list(&self, ask: Ask<'_>) -> bool {
        let Some(answer) = ask("GET", "/analyses?limit=1000", &[], b"") else { return false };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        assert_eq!(page["next_cursor"], Value::Null, "a page holds all that a test stores");
        self.judge_list(&sizes(&[page]));
        true
    }

    /// What is certain is listed, or not, as it is.
    fn judge_list(&self, listed: &BTreeMap<String, u64>) {
        for (id, belief) in self.ids.iter().filter(|(_, belief)| belief.certain) {
            let size = belief.may_be.iter().flatten().next().map(|number| document(*number).len() as u64);
            assert_eq!(listed.get(id), size.as_ref(), "{id} in the list: {belief:?}");
        }
    }

    fn stats(&self, ask: Ask<'_>) -> bool {
        let Some(answer) = ask("GET", "/stats", &[], b"") else { return false };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let own = self.ids.values().filter(|belief| belief.exists() == Some(true)).count();
        assert!(answer.json()["total_analyses"].as_u64() >= Some(own as u64), "{}", answer.text());
        true
    }

    /// Every id that was changed since the last such check loads as it may.
    pub(crate) fn check_touched(&mut self, client: &Client) {
        for id in std::mem::take(&mut self.touched) {
            self.judge_load(&id, &client.get(&format!("/analyses/{id}")));
        }
    }
}

/// The ids and sizes on these pages of a list, none of them twice.
fn sizes(pages: &[Value]) -> BTreeMap<String, u64> {
    let items: Vec<_> = pages.iter().flat_map(|page| page["analyses"].as_array().unwrap()).collect();
    let size =
        |item: &Value| (item["request_id"].as_str().unwrap().to_owned(), item["file_size"].as_u64().unwrap());
    let sizes: BTreeMap<_, _> = items.iter().map(|item| size(item)).collect();
    assert_eq!(sizes.len(), items.len(), "an id is listed twice");
    sizes
}

/// Everything that is listed now.
fn list_all(client: &Client) -> BTreeMap<String, u64> {
    let mut pages = vec![client.get("/analyses?limit=1000").json()];
    while let Some(cursor) = pages[pages.len() - 1]["next_cursor"].as_str() {
        pages.push(client.get(&format!("/analyses?limit=1000&cursor={cursor}")).json());
    }
    sizes(&pages)
}

/// What is listed is what the writers believe, and nothing else, and stats count just that. That it loads is for
/// each writer to check.
pub(crate) fn check_list(writers: &[Writer], client: &Client) -> BTreeMap<String, u64> {
    let listed = list_all(client);
    for writer in writers {
        writer.judge_list(&listed);
    }
    for id in listed.keys().filter(|id| writers.iter().all(|writer| !writer.ids.contains_key(*id))) {
        let answer = client.get(&format!("/analyses/{id}"));
        assert_eq!(answer.status, 200, "{id} is listed: {}", answer.text());
        let number = answer.json()["number"].as_u64().unwrap();
        assert!(writers.iter().any(|writer| writer.strays.contains(&number)), "{id} is no one's: {number}");
        assert!(answer.body == document(number), "{id}: unexpected bytes");
    }
    let stats = client.get("/stats").json();
    let total: u64 = listed.values().sum();
    assert_eq!(stats["total_analyses"], listed.len(), "{stats}");
    assert_eq!(stats["total_size_bytes"], total, "{stats}");
    listed
}

/// Every id of every writer loads as it may, and what loads is what is listed and counted.
pub(crate) fn check_exactly(writers: &[Writer], client: &Client) {
    let listed = check_list(writers, client);
    let mut found = 0;
    for writer in writers {
        for id in writer.ids.keys() {
            let number = writer.judge_load(id, &client.get(&format!("/analyses/{id}")));
            let size = number.map(|number| document(number).len() as u64);
            assert_eq!(listed.get(id), size.as_ref(), "{id}: {:?}", writer.ids[id]);
            found += usize::from(number.is_some());
        }
    }
    let strays: usize = writers.iter().map(|writer| writer.strays.len()).sum();
    assert!((found..=found + strays).contains(&listed.len()), "{found} found, {} listed", listed.len());
}
