//! Blobs as base64 text: standard alphabet, padded.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD;

/// Strict about padding and trailing bits, as the service is.
static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD));

/// Appends the bytes that `text` stands for; `None`, and what was there before, if it is not base64.
pub(super) fn decode_into(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let before = out.len();
    if ENGINE.decode_vec(text, out).is_err() {
        out.truncate(before);
        return None;
    }
    Some(())
}

/// The bytes that `text` stands for.
///
/// # Errors
/// The service's text (kinesalite's tests; the spelling is the service's).
pub(super) fn decode(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    decode_into(text, &mut bytes)
        .map(|()| bytes)
        .ok_or_else(|| {
            let fault = fault(text);
            format!("'{text}' can not be converted to a Blob: {fault}")
        })
}

fn fault(text: &str) -> String {
    // Java counts UTF-16 units.
    let length = text.encode_utf16().count();
    if !length.is_multiple_of(4) {
        return format!(
            "Base64 encoded length is expected a multiple of 4 bytes but found: {length}"
        );
    }
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let pad_inside = character == '=' && characters.peek().is_some_and(|&next| next != '=');
        if !is_known(character) || pad_inside {
            return format!("Invalid Base64 character: '{character}'");
        }
    }
    "Invalid last non-pad Base64 character dectected".to_owned()
}

/// Appends `bytes` as base64.
pub(super) fn encode_into(bytes: &[u8], out: &mut Vec<u8>) {
    let before = out.len();
    out.resize(before + bytes.len().div_ceil(3) * 4, 0);
    let written = ENGINE.encode_slice(bytes, &mut out[before..]);
    // The room is exact, so that this cannot fail; what was not written must not be sent.
    out.truncate(before + written.unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bad_base64_is_refused_with_the_services_text() {
        for (text, fault) in [
            (
                "abc",
                "Base64 encoded length is expected a multiple of 4 bytes but found: 3",
            ),
            ("ab$=", "Invalid Base64 character: '$'"),
            ("a=bc", "Invalid Base64 character: '='"),
            ("YR==", "Invalid last non-pad Base64 character dectected"),
        ] {
            let expected = format!("'{text}' can not be converted to a Blob: {fault}");
            assert_eq!(decode(text), Err(expected));
        }
        assert_eq!(decode("YQ=="), Ok(b"a".to_vec()));
        assert_eq!(decode(""), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn bytes_come_back_and_text_that_is_read_is_what_would_be_written(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            text in "[A-Za-z0-9+/=$]{0,80}",
        ) {
            let mut encoded = b"before".to_vec();
            encode_into(&bytes, &mut encoded);
            let text_of = std::str::from_utf8(&encoded[6..]).unwrap();
            prop_assert_eq!(decode(text_of), Ok(bytes));
            if let Ok(bytes) = decode(&text) {
                let mut again = Vec::new();
                encode_into(&bytes, &mut again);
                prop_assert_eq!(again, text.as_bytes());
            }
        }
    }
}
