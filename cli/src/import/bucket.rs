//! From an older bucket, in the layout `analysis/YYYY/MM/{id}.json`.

use analysis_storage::bucket::{Listed, ObjectMeta};
use analysis_storage::config::{Storage, other_bucket_from_env};
use analysis_storage::legacy_bucket::{self, LegacyBucket};
use analysis_storage::{AnalysisId, Entry, Error, ErrorCode, Key, StorageConfig};

use super::take;
use crate::transfer::{
    Done, Found, Importer, JoinedById, Kind, Problem, Sorter, SourceRecord, TransferError, TransferKind,
    Work, too_large,
};

/// Where the older documents are.
#[derive(Debug)]
pub(super) struct Location<'a> {
    pub(super) bucket: &'a str,
    pub(super) prefix: &'a str,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

/// Takes in every document of the bucket.
pub(super) async fn import(
    location: Location<'_>,
    config: &StorageConfig,
    importer: &Importer<'_>,
    work: &mut Work,
) -> Result<(), TransferError> {
    let Location { bucket, prefix, region, endpoint } = location;
    let settings = other_bucket_from_env(bucket, region, endpoint)?;
    let same_prefix = |own: &str| own.trim_matches('/') == prefix.trim_matches('/');
    if matches!(&config.storage, Storage::S3 { settings: own, prefix } if own.is_same_bucket(&settings) && same_prefix(prefix))
    {
        let text =
            "--from is the store itself; `design-analysis repair` adopts what other programs have put there";
        return Err(TransferError::Unusable(text.into()));
    }
    let source = LegacyBucket::connect(&settings, prefix).await;
    work.progress.begin("listing", None);
    let mut objects = work.signals.beside(list(&source)).await?;
    if objects.count() == 0 {
        let text = format!(
            "there are no objects below {} in s3://{bucket}; --from names what comes before it",
            source.prefix()
        );
        return Err(TransferError::Unusable(text));
    }
    objects.add_stored_if_worthwhile(importer.analyses, work).await?;
    work.each("importing", objects, JoinedById::sources, |joined| one(&source, importer, joined)).await
}

async fn list(source: &LegacyBucket) -> Result<Sorter<SourceRecord>, TransferError> {
    let mut objects = Sorter::default();
    let mut position: Option<String> = None;
    loop {
        let page = source.page(position.as_deref()).await.map_err(TransferError::Failed)?;
        for Listed { key, size, .. } in &page.objects {
            let pushed = match source.parse(key) {
                Some((id, _)) => objects.push(id.as_str(), &SourceRecord::Object(key.to_string(), *size)),
                None => objects.push("", &misplaced(key)),
            };
            pushed.map_err(TransferError::Temporary)?;
        }
        position = page.next().map(ToString::to_string);
        if position.is_none() {
            return Ok(objects);
        }
    }
}

fn misplaced(key: &Key) -> SourceRecord {
    SourceRecord::File(Found::Bad {
        kind: TransferKind::Misplaced.into(),
        path: key.to_string(),
        reason: "is not analysis/YYYY/MM/{id}.json with a valid id".to_owned(),
    })
}

/// All objects of one id: the newest is taken.
async fn one(
    source: &LegacyBucket,
    importer: &Importer<'_>,
    joined: JoinedById,
) -> Result<Done, TransferError> {
    if let (Some((key, _)), 1..) = (joined.keys.first(), joined.more) {
        let reason = format!(
            "has the id of {} other objects; none is taken",
            joined.keys.len() as u64 - 1 + joined.more
        );
        return Ok(Done::problem(Problem::new(TransferKind::Duplicate, key.as_str(), reason)));
    }
    let mut done = Done { problems: joined.problems, ..Done::default() };
    let (mut keys, mut metas) = (Vec::new(), Vec::new());
    for (key, _) in joined.keys {
        if let Some(meta) = source.describe(&key).await.map_err(TransferError::Failed)? {
            keys.push(key);
            metas.push(meta);
        }
    }
    let Some(newest) = legacy_bucket::newest(&metas) else { return Ok(done) };
    let (key, meta) = (keys.swap_remove(newest), metas.swap_remove(newest));
    let older = |key: Key, than: &Key| {
        Problem::new(TransferKind::Older, key.as_str(), format!("{than} has its id and is newer"))
    };
    done.problems.extend(keys.into_iter().map(|other| older(other, &key)));
    let mut taken = object(source, importer, joined.entry.as_ref(), &key, &meta).await?;
    taken.problems.splice(0..0, done.problems);
    Ok(taken)
}

async fn object(
    source: &LegacyBucket,
    importer: &Importer<'_>,
    known: Option<&Entry>,
    key: &Key,
    meta: &ObjectMeta,
) -> Result<Done, TransferError> {
    let problem = |kind: Kind, reason: String| Ok(Done::problem(Problem::new(kind, key.as_str(), reason)));
    let Some((id, month)) = source.parse(key) else { return Ok(Done::default()) };
    if let Err(error) = AnalysisId::parse(id.as_str(), importer.analyses.clock().now()) {
        return problem(ErrorCode::InvalidId.into(), error.to_string());
    }
    match meta.metadata.get("request_id") {
        Some(other) if other != id.as_str() => {
            return problem(
                TransferKind::IdMismatch.into(),
                format!("its metadata say that its request_id is {other:?}"),
            );
        }
        _ => {}
    }
    if meta.size > importer.limit {
        return Ok(Done::problem(too_large(key.as_str(), meta.size, importer.limit)));
    }
    let _reserved = importer.budget.reserve(meta.size * 2).await;
    match source.read(key).await {
        Ok(Some(object)) => {
            let created_at = |document: &_| legacy_bucket::created_at(document, meta, month);
            take(importer, &id, known, key.as_str(), object.body, created_at).await
        }
        Ok(None) => Ok(Done::default()),
        Err(Error::Archived(_)) => {
            problem(ErrorCode::Archived.into(), "is archived; restore it, then import again".into())
        }
        Err(error) => Ok(Done::problem(Problem::from_error(error, key.as_str())?)),
    }
}
