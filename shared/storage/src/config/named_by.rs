//! Where a bucket or directory was named.

/// Who has named a bucket or directory. Messages about it say what to correct there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NamedBy {
    /// The environment variables of the store.
    #[default]
    Variables,
    /// The option `--store` of a command; region and endpoint are those of the variables.
    StoreOption,
    /// The options `--from`, `--from-region` and `--from-endpoint` of a command: another bucket than the store.
    FromOption,
}

impl NamedBy {
    /// What names the directory.
    #[must_use]
    pub fn directory(self) -> &'static str {
        match self {
            Self::Variables => "LOCAL_STORAGE_DIR",
            Self::StoreOption => "--store",
            Self::FromOption => "--from",
        }
    }

    /// What names the bucket.
    #[must_use]
    pub fn bucket(self) -> &'static str {
        match self {
            Self::Variables => "S3_BUCKET_NAME",
            Self::StoreOption => "--store",
            Self::FromOption => "--from",
        }
    }

    /// What names its region.
    #[must_use]
    pub fn region(self) -> &'static str {
        match self {
            Self::Variables | Self::StoreOption => "S3_REGION",
            Self::FromOption => "--from-region",
        }
    }

    /// What names the URL of the store that it is in.
    #[must_use]
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::Variables | Self::StoreOption => "S3_ENDPOINT_URL",
            Self::FromOption => "--from-endpoint",
        }
    }

    /// Whether it is the bucket or directory of the store.
    #[must_use]
    pub fn is_store(self) -> bool {
        self != Self::FromOption
    }
}
