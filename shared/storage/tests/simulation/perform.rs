//! Carrying out one operation, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use analysis_storage::bucket::GetOptions;
use analysis_storage::import::{Existing, Import, ImportOutcome};
use analysis_storage::query::{Limit, ListQuery};
use analysis_storage::repair::Mode;
use analysis_storage::{
    Analyses, AnalysisId, Condition, CreatedAt, ETag, Entry, Error, Loaded, Saved, Stats,
};

use crate::linear::Value;
use crate::plan::{Op, Wish, document, value_of};

/// The tags that callers know: of the latest acknowledged save of each id, with its value.
pub(crate) type Tags = BTreeMap<usize, (ETag, Value)>;

/// A condition as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    Nothing,
    Absent,
    Present,
    Is(Value),
}

/// What came of an operation.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Saved(Box<Saved>),
    /// The condition did not hold.
    Refused,
    Deleted,
    /// There is none.
    NotFound,
    Loaded(Value),
    Repaired,
    Imported(ImportOutcome),
    /// The scheduled repair went through all months, and the totals were counted anew.
    Maintained,
    Listed(Vec<Entry>),
    Counted(Stats),
    /// Told to try again: nothing has happened.
    InFlight,
    /// It was refused for the moment: nothing has happened.
    Failed,
    /// It may have happened or not.
    Unknown,
    /// An answer that no simulated fault explains.
    Wrong(String),
}

impl Outcome {
    /// Whether it says that there was nothing before.
    pub(crate) fn is_creation(&self) -> bool {
        match self {
            Self::Saved(saved) => saved.created,
            Self::Imported(outcome) => *outcome == ImportOutcome::Created,
            _ => false,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Saved(_) => "saved",
            Self::Refused => "refused",
            Self::Deleted => "deleted",
            Self::NotFound => "not found",
            Self::Loaded(_) => "loaded",
            Self::Repaired => "repaired",
            Self::Imported(_) => "imported",
            Self::Maintained => "maintained",
            Self::Listed(_) => "listed",
            Self::Counted(_) => "counted",
            Self::InFlight => "in flight",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Wrong(_) => "wrong",
        }
    }
}

/// One operation with all it needs.
pub(crate) struct Job {
    pub(crate) op: Op,
    pub(crate) analyses: Arc<Analyses>,
    pub(crate) id: Option<AnalysisId>,
    pub(crate) asked: Request,
    pub(crate) tag: Option<ETag>,
}

impl Job {
    pub(crate) fn new(op: Op, analyses: Arc<Analyses>, id: Option<AnalysisId>, tags: &Tags) -> Self {
        let known = op.id().and_then(|id| tags.get(&id).cloned());
        let wish = match op {
            Op::Save { wish, .. } | Op::Delete { wish, .. } => wish,
            _ => Wish::None,
        };
        let (asked, tag) = match (wish, known) {
            (Wish::None, _) => (Request::Nothing, None),
            (Wish::Absent, _) => (Request::Absent, None),
            (Wish::Latest, Some((tag, value))) => (Request::Is(value), Some(tag)),
            // Nobody has a tag yet: a deletion needs none.
            (Wish::Latest, None) if matches!(op, Op::Delete { .. }) => (Request::Nothing, None),
            (Wish::Present | Wish::Latest, _) => (Request::Present, None),
        };
        Self { op, analyses, id, asked, tag }
    }

    pub(crate) async fn run(self) -> Outcome {
        match self.attempt().await {
            Ok(came) => came,
            Err(Error::PreconditionFailed(_)) => Outcome::Refused,
            Err(Error::NotFound { .. }) => Outcome::NotFound,
            Err(Error::SaveInFlight(_)) => Outcome::InFlight,
            Err(Error::Refused { .. } | Error::Contended { .. }) => Outcome::Failed,
            Err(Error::NoAnswer { .. }) => Outcome::Unknown,
            Err(error) => Outcome::Wrong(error.to_string()),
        }
    }

    async fn attempt(&self) -> Result<Outcome, Error> {
        let id = || self.id.as_ref().expect("an operation on an id has one");
        match self.op {
            Op::SaveNew { value, .. } => {
                let saved = self.analyses.save_new(&document(value)).await?;
                Ok(Outcome::Saved(Box::new(saved)))
            }
            Op::Save { value, .. } => {
                let saved = self.analyses.save(id(), &document(value), &self.condition()).await?;
                Ok(Outcome::Saved(Box::new(saved)))
            }
            Op::Delete { .. } => {
                self.analyses.delete(id(), self.tag.as_ref()).await.map(|()| Outcome::Deleted)
            }
            Op::Load { .. } => self.load(id()).await,
            Op::Repair { .. } => self.analyses.repair(id()).await.map(|()| Outcome::Repaired),
            Op::Import { value, created, replace, .. } => self.import(value, created, replace).await,
            Op::Maintain => self.maintain().await,
            Op::List { limit } => self.walk(limit).await.map(Outcome::Listed),
            Op::Stats => self.analyses.stats().await.map(Outcome::Counted),
        }
    }

    fn condition(&self) -> Condition {
        match (self.asked, &self.tag) {
            (Request::Absent, _) => Condition::Absent,
            (Request::Present, _) => Condition::Present,
            (Request::Is(_), Some(tag)) => Condition::Match(tag.clone()),
            _ => Condition::None,
        }
    }

    async fn load(&self, id: &AnalysisId) -> Result<Outcome, Error> {
        let Loaded::Document(object) = self.analyses.load(id, &GetOptions::default()).await? else {
            return Ok(Outcome::Wrong("not modified since a tag that nobody sent".to_owned()));
        };
        let body: serde_json::Value = serde_json::from_slice(&object.body).unwrap_or_default();
        let value = body["status"].as_str().and_then(value_of);
        Ok(match value {
            Some(value) if *document(value).bytes() == object.body => Outcome::Loaded(value),
            _ => Outcome::Wrong(format!("bytes that nobody saved: {:?}", object.body)),
        })
    }

    async fn import(&self, value: Value, created: i64, replace: bool) -> Result<Outcome, Error> {
        let document = document(value);
        let import = Import {
            id: self.id.as_ref().expect("an operation on an id has one"),
            document: &document,
            created_at: CreatedAt::from_millis(created).expect("it is a time of these years"),
            existing: if replace { Existing::Replace } else { Existing::Keep },
            known: None,
        };
        self.analyses.import(import).await.map(|imported| Outcome::Imported(imported.outcome))
    }

    async fn maintain(&self) -> Result<Outcome, Error> {
        // No document is ever lost here: what has none was left behind by a delete.
        let mode = Mode::Repair { adopt_changed: false, forget_lost: true };
        for month in self.analyses.months().await? {
            let mut repair = self.analyses.repair_month(month, mode);
            while repair.step().await?.is_some() {}
        }
        self.analyses.recount().await.map(|_| Outcome::Maintained)
    }

    async fn walk(&self, limit: usize) -> Result<Vec<Entry>, Error> {
        let mut query = ListQuery { limit: Limit::parse(&limit.to_string())?, ..ListQuery::default() };
        let mut listed = Vec::new();
        loop {
            let page = self.analyses.list(&query).await?;
            listed.extend(page.entries);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(listed);
            }
        }
    }
}
