//! What tells one content of a document from others, without the content.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use md5::{Digest, Md5};

use crate::bucket::ETag;

/// The content token: 64 bits of a digest that tell one content of a document from others.
///
/// Of the content's MD5 where that is the store's entity tag, as on S3 for objects that were put whole and encrypted
/// with AES256 (Amazon S3 API Reference, "Object"); of the tag itself where it is made otherwise. So a listing, which
/// shows tags, tells whether an index entry stands for what is stored. It is no protection against forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentToken(u64);

impl ContentToken {
    /// How long it is as text.
    pub(crate) const LENGTH: usize = 11;

    /// The token of this content.
    #[must_use]
    pub fn of_content(content: &[u8]) -> Self {
        let digest: [u8; 16] = Md5::digest(content).into();
        // The first half.
        Self(digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    /// The token of the content that has this tag.
    #[must_use]
    pub fn of_tag(tag: &ETag) -> Self {
        let text = tag.as_str().trim_matches('"');
        let is_digest = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let half = text.get(..16).filter(|_| is_digest).and_then(|half| u64::from_str_radix(half, 16).ok());
        half.map_or_else(|| Self::of_content(text.as_bytes()), Self)
    }

    /// The bits.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// What [`Display`](fmt::Display) wrote, or `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|_| text.len() == Self::LENGTH)?;
        bytes.try_into().ok().map(u64::from_be_bytes).map(Self)
    }
}

impl fmt::Display for ContentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_is_the_digest_and_the_content_have_one_token() {
        let tag = ETag::new("\"99914b932bd37a50b983c5e7c90ae93b\"");
        assert_eq!(ContentToken::of_tag(&tag), ContentToken::of_content(b"{}"));
        assert_eq!(ContentToken::of_content(b"{}").to_string(), "mZFLkyvTelA");
        for other in
            ["\"99914b932bd37a50b983c5e7c90ae93b-2\"", "\"x\"", "\"zz914b932bd37a50b983c5e7c90ae93b\""]
        {
            assert_ne!(ContentToken::of_tag(&ETag::new(other)), ContentToken::of_content(b"{}"), "{other}");
        }
    }

    #[test]
    fn a_token_survives_as_text() {
        for token in [ContentToken(0), ContentToken(u64::MAX), ContentToken(0x0123_4567_89ab_cdef)] {
            assert_eq!(ContentToken::parse(&token.to_string()), Some(token));
        }
        for bad in ["", "AAAAAAAAAA", "AAAAAAAAAAAA", "AAAAAAAAAA!", "AAAAAAAAAAB"] {
            assert_eq!(ContentToken::parse(bad), None, "{bad}");
        }
    }
}
