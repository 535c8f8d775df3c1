//! The few text forms that every format here shares, each with exactly one way to be written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Lower case, two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Upper case is refused: a value has one name.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// With padding, and no bits set that say nothing.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// ASCII digits without a sign and without leading zeros.
pub fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_to_write_each() {
        assert_eq!(from_hex("00ff"), Some([0, 255]));
        for refused in ["00FF", "0ff", "00fff", "00f ", "00g0", "é0"] {
            assert_eq!(from_hex::<2>(refused), None, "{refused}");
        }
        assert_eq!(hex(&[0, 255]), "00ff");
        assert_eq!(from_base64("AA=="), Some(vec![0]));
        for refused in ["AA", "AB==", "AA==\n", " AA==", "A===", "-_=="] {
            assert_eq!(from_base64(refused), None, "{refused}");
        }
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for refused in ["", "00", "01", "+1", "-1", "1 ", "18446744073709551616", "١"] {
            assert_eq!(decimal(refused), None, "{refused}");
        }
    }
}
