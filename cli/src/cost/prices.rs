//! Prices: a table in the program, or one in a file of the same form.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::command::CommandError;
use crate::input::is_dash;

const BUILT_IN: &str = include_str!("prices.json");

/// A price table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceTable {
    /// The month in which AWS published these prices.
    pub(crate) published: String,
    pub(crate) sources: Vec<String>,
    regions: BTreeMap<String, Prices>,
}

/// The prices of one region in US dollars. Where AWS gives tiers by volume, those of the first.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    pub(crate) name: String,
    pub(crate) standard_gb_month: Decimal,
    pub(crate) standard_ia_gb_month: Decimal,
    /// S3 Glacier Flexible Retrieval.
    pub(crate) glacier_gb_month: Decimal,
    /// PUT, COPY, POST and LIST.
    pub(crate) thousand_puts: Decimal,
    /// GET, HEAD and all others. DELETE is free.
    pub(crate) thousand_gets: Decimal,
    pub(crate) thousand_standard_ia_gets: Decimal,
    pub(crate) standard_ia_retrieval_gb: Decimal,
    pub(crate) thousand_transitions_to_standard_ia: Decimal,
    pub(crate) thousand_transitions_to_glacier: Decimal,
    /// On x86.
    pub(crate) lambda_gb_second: Decimal,
    pub(crate) million_lambda_requests: Decimal,
    /// Each of up to 512 KB.
    pub(crate) million_http_api_requests: Decimal,
    /// Taken in by CloudWatch Logs.
    pub(crate) logs_gb: Decimal,
    /// Each metric that an alarm watches.
    pub(crate) alarm_metric_month: Decimal,
    pub(crate) metric_month: Decimal,
    pub(crate) dashboard_month: Decimal,
    pub(crate) kms_key_month: Decimal,
    pub(crate) ten_thousand_kms_requests: Decimal,
}

impl PriceTable {
    /// The table in this file, or else the built-in one.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, CommandError> {
        let text = match file {
            None => BUILT_IN.to_owned(),
            Some(path) if is_dash(path) => io::read_to_string(io::stdin())
                .map_err(|source| CommandError::File { path: path.to_owned(), source })?,
            Some(path) => fs::read_to_string(path)
                .map_err(|source| CommandError::File { path: path.to_owned(), source })?,
        };
        let name = file.unwrap_or(Path::new("prices.json")).display();
        let wrong = |what: String| CommandError::Usage(format!("{name} is not a price table: {what}"));
        let table: Self = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        match table.regions.values().flat_map(Prices::all).find(|price| !is_price(*price)) {
            Some(price) => Err(wrong(format!("{price} is not a price from 0 to 1000 dollars"))),
            None => Ok(table),
        }
    }

    pub(crate) fn region(&self, region: &str) -> Result<&Prices, CommandError> {
        self.regions.get(region).ok_or_else(|| {
            let known = self.regions.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            CommandError::Usage(format!(
                "there are no prices of region {region:?}, only of {known}; give --region, or others with --prices"
            ))
        })
    }
}

impl Prices {
    fn all(&self) -> [Decimal; 18] {
        [
            self.standard_gb_month,
            self.standard_ia_gb_month,
            self.glacier_gb_month,
            self.thousand_puts,
            self.thousand_gets,
            self.thousand_standard_ia_gets,
            self.standard_ia_retrieval_gb,
            self.thousand_transitions_to_standard_ia,
            self.thousand_transitions_to_glacier,
            self.lambda_gb_second,
            self.million_lambda_requests,
            self.million_http_api_requests,
            self.logs_gb,
            self.alarm_metric_month,
            self.metric_month,
            self.dashboard_month,
            self.kms_key_month,
            self.ten_thousand_kms_requests,
        ]
    }
}

/// Larger ones could overflow.
fn is_price(price: Decimal) -> bool {
    (Decimal::ZERO..=Decimal::ONE_THOUSAND).contains(&price)
}

#[cfg(test)]
pub(crate) fn for_region(region: &str) -> Prices {
    PriceTable::read(None).unwrap().region(region).unwrap().clone()
}
