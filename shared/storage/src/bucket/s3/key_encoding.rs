//! Keys as listings spell them.

use aws_sdk_s3::types::EncodingType;

/// The key itself; `None` if that is not text. Listings are asked for in URL encoding because XML cannot hold
/// every character of a key, but some stores ignore that and say so by leaving out the encoding.
pub(super) fn decode(key: &str, encoding: Option<&EncodingType>) -> Option<String> {
    match encoding {
        None => Some(key.to_owned()),
        Some(_) => unescape(key),
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_spellings_of_a_space_and_leaves_plain_keys_alone() {
        let url = Some(&EncodingType::Url);
        assert_eq!(decode("a+b%20c%2Bd%21/%C3%A9%01", url).as_deref(), Some("a b c+d!/é\u{1}"));
        assert_eq!(decode("a+b%20", None).as_deref(), Some("a+b%20"));
    }

    #[test]
    fn refuses_what_is_not_an_encoded_key() {
        for broken in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(broken, Some(&EncodingType::Url)), None, "{broken}");
        }
    }
}
