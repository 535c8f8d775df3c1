//! What a line carries: its number and when it was meant to be sent, in text that any server passes on.

/// `#<number> @<microseconds since the run's start> `, then filling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub number: u64,
    pub intended_us: u64,
}

impl Stamp {
    pub fn line(self, bytes: usize) -> String {
        let mut text = format!("#{} @{} ", self.number, self.intended_us);
        while text.len() < bytes {
            text.push('.');
        }
        text
    }

    pub fn read(text: &[u8]) -> Option<Stamp> {
        let (number, rest) = digits(text.strip_prefix(b"#")?)?;
        let (intended_us, _) = digits(rest.strip_prefix(b" @")?)?;
        Some(Stamp { number, intended_us })
    }

    /// The number alone.
    pub fn number(text: &[u8]) -> Option<u64> {
        Some(digits(text.strip_prefix(b"#")?)?.0)
    }
}

fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let mut value = 0u64;
    for byte in &text[..end] {
        value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
    }
    (end > 0).then_some((value, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_reads_back() {
        let stamp = Stamp { number: 41, intended_us: 1_234_567 };
        let line = stamp.line(60);
        assert_eq!(line.len(), 60);
        assert_eq!(Stamp::read(line.as_bytes()), Some(stamp));
        assert_eq!(Stamp::number(line.as_bytes()), Some(41));
        for other in ["", "#", "#4", "hello", "#4 @", "#99999999999999999999999 @1 "] {
            assert_eq!(Stamp::read(other.as_bytes()), None, "{other}");
        }
    }
}
