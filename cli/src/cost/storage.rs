//! What it costs to keep documents, by storage class.

use rust_decimal::Decimal;

use super::prices::Prices;
use super::workload::Lifecycle;

/// Amazon S3 bills in GB of 2^30 bytes.
const GB: u64 = 1 << 30;
/// STANDARD_IA bills a smaller object as one of 128 KB.
pub(crate) const STANDARD_IA_MINIMUM: u64 = 128 << 10;
/// An archived object takes 32 KB more in GLACIER, and 8 KB in STANDARD for its name and metadata.
const GLACIER_OVERHEAD: u64 = 32 << 10;
const GLACIER_OVERHEAD_IN_STANDARD: u64 = 8 << 10;
/// Index entry, id record, names and user metadata of one analysis, rounded up. They stay in STANDARD.
const METADATA: u64 = 1 << 10;

pub(crate) fn gigabytes(bytes: u64) -> Decimal {
    Decimal::from(bytes) / Decimal::from(GB)
}

/// A document's month in STANDARD.
pub(crate) fn standard(size: u64, prices: &Prices) -> Decimal {
    gigabytes(size) * prices.standard_gb_month
}

/// A document's month in STANDARD_IA.
pub(crate) fn standard_ia(size: u64, prices: &Prices) -> Decimal {
    gigabytes(size.max(STANDARD_IA_MINIMUM)) * prices.standard_ia_gb_month
}

/// A document's month in GLACIER.
pub(crate) fn glacier(size: u64, prices: &Prices) -> Decimal {
    gigabytes(size + GLACIER_OVERHEAD) * prices.glacier_gb_month
        + standard(GLACIER_OVERHEAD_IN_STANDARD, prices)
}

/// A month of what an analysis has besides its document.
pub(crate) fn metadata(prices: &Prices) -> Decimal {
    standard(METADATA, prices)
}

/// Which parts of the documents are in each class; together 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) standard: Decimal,
    pub(crate) standard_ia: Decimal,
    pub(crate) glacier: Decimal,
}

/// The classes of documents of this size whose ages are spread evenly over these days.
pub(crate) fn share(spread_days: u32, size: u64, lifecycle: Lifecycle) -> Share {
    if size < lifecycle.minimum_transition_size {
        return Share { standard: Decimal::ONE, standard_ia: Decimal::ZERO, glacier: Decimal::ZERO };
    }
    let days = |from: u32, until: u32| Decimal::from(until.min(spread_days).saturating_sub(from));
    let part = |from, until| days(from, until) / Decimal::from(spread_days);
    Share {
        standard: part(0, lifecycle.ia_after),
        standard_ia: part(lifecycle.ia_after, lifecycle.glacier_after),
        glacier: part(lifecycle.glacier_after, lifecycle.expire_after),
    }
}

/// What a thousand documents cost over their whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Life {
    pub(crate) size: u64,
    /// Always in STANDARD.
    pub(crate) staying_usd: Decimal,
    /// Moved to STANDARD_IA and GLACIER.
    pub(crate) moving_usd: Decimal,
}

impl Life {
    pub(crate) fn new(size: u64, lifecycle: Lifecycle, prices: &Prices) -> Self {
        let months = |days: u32| Decimal::from(days) * Decimal::from(12) / Decimal::from(365);
        let Lifecycle { ia_after, glacier_after, expire_after, .. } = lifecycle;
        let staying = months(expire_after) * standard(size, prices);
        let moving = months(ia_after) * standard(size, prices)
            + months(glacier_after - ia_after) * standard_ia(size, prices)
            + months(expire_after - glacier_after) * glacier(size, prices);
        let transitions = prices.thousand_transitions_to_standard_ia + prices.thousand_transitions_to_glacier;
        let thousand = |usd: Decimal| (usd * Decimal::ONE_THOUSAND).round_dp(10).normalize();
        Self {
            size,
            staying_usd: thousand(staying),
            moving_usd: (thousand(moving) + transitions).normalize(),
        }
    }

    fn is_cheaper_moved(&self) -> bool {
        self.moving_usd < self.staying_usd
    }

    /// The size, in whole KB, from which on moving is cheaper; `None` if it is not, up to 5 GB.
    pub(crate) fn break_even(lifecycle: Lifecycle, prices: &Prices) -> Option<u64> {
        let pays = |kb: u64| Self::new(kb << 10, lifecycle, prices).is_cheaper_moved();
        let (mut low, mut high) = (0, 5 << 20);
        if !pays(high) {
            return None;
        }
        while high - low > 1 {
            let middle = low.midpoint(high);
            if pays(middle) { high = middle } else { low = middle }
        }
        Some(high << 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::prices;

    const LIFECYCLE: Lifecycle =
        Lifecycle { ia_after: 30, glacier_after: 90, expire_after: 365, minimum_transition_size: 128 << 10 };

    #[test]
    fn shares_follow_the_lifecycle() {
        let large = share(365, 1 << 20, LIFECYCLE);
        assert_eq!((large.standard * Decimal::from(365)).round_dp(20), Decimal::from(30));
        assert_eq!((large.standard + large.standard_ia + large.glacier).round_dp(20), Decimal::ONE);
        let young = share(60, 1 << 20, LIFECYCLE);
        assert_eq!((young.standard, young.glacier), (Decimal::new(5, 1), Decimal::ZERO));
        assert_eq!(share(365, (128 << 10) - 1, LIFECYCLE).standard, Decimal::ONE);
    }

    #[test]
    fn small_documents_cost_more_once_moved() {
        let prices = prices::for_region("us-east-1");
        // 1,000 x 50 KB in STANDARD for a year: 0.0477 GB x 0.023 x 12.
        let small = Life::new(50 << 10, LIFECYCLE, &prices);
        assert_eq!(small.staying_usd.round_dp(4), Decimal::new(132, 4));
        assert!(small.moving_usd > small.staying_usd * Decimal::from(3), "{small:?}");
        let large = Life::new(1 << 20, LIFECYCLE, &prices);
        assert!(large.moving_usd < large.staying_usd, "{large:?}");
    }

    #[test]
    fn the_break_even_separates_cheaper_from_dearer() {
        let prices = prices::for_region("us-east-1");
        let size = Life::break_even(LIFECYCLE, &prices).unwrap();
        assert!(size > STANDARD_IA_MINIMUM);
        assert!(Life::new(size, LIFECYCLE, &prices).is_cheaper_moved());
        assert!(!Life::new(size - 1024, LIFECYCLE, &prices).is_cheaper_moved());
        let dear = Prices { glacier_gb_month: Decimal::ONE, ..prices };
        assert_eq!(Life::break_even(LIFECYCLE, &dear), None);
    }
}
