//! Where the next page of a list begins, as opaque text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::layout::Inverted;
use crate::query::Filter;
use crate::time::CreatedAt;

/// Where the next page of one query begins: behind all entries of one id.
///
/// To callers it is opaque text. It carries a checksum over itself and the filter it was made for, so that a
/// damaged cursor, or one of another query, is refused instead of showing wrong pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) created_at: CreatedAt,
    pub(crate) id: AnalysisId,
}

const CURSOR_VERSION: u8 = 1;

impl Cursor {
    /// Checks the query parameter `cursor`.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] unless [`encode`](Self::encode) made the text, for the same filter.
    pub fn parse(text: &str, filter: &Filter) -> Result<Self> {
        Self::decode(text, filter).ok_or_else(|| {
            let advice =
                "is not a cursor of this query; send `next_cursor` unchanged with the same filters, or none";
            Error::query("cursor", advice)
        })
    }

    fn decode(text: &str, filter: &Filter) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let ([CURSOR_VERSION, sum @ ..], position) = bytes.split_first_chunk::<5>()? else {
            return None;
        };
        let position = std::str::from_utf8(position).ok()?;
        if *sum != checksum(position, filter) {
            return None;
        }
        let (inverted, id) = position.split_once('!')?;
        Some(Self { created_at: Inverted::parse(inverted)?, id: AnalysisId::from_stored(id).ok()? })
    }

    /// The cursor as text for a URL.
    #[must_use]
    pub fn encode(&self, filter: &Filter) -> String {
        let position = format!("{}!{}", Inverted(self.created_at), self.id);
        let mut bytes = vec![CURSOR_VERSION];
        bytes.extend(checksum(&position, filter));
        bytes.extend(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

fn checksum(position: &str, filter: &Filter) -> [u8; 4] {
    crc32fast::hash(format!("{position} {}", filter.canonical()).as_bytes()).to_be_bytes()
}
