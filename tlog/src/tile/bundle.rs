//! Entry bundles: up to 256 entries, each behind its length in two bytes.

use super::WIDTH;

/// What two bytes can say.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;
/// 256 of the longest entries.
pub const BUNDLE_BYTES_MAX: usize = (ENTRY_BYTES_MAX + 2) * WIDTH as usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleRefused {
    #[error("an entry of {bytes} bytes; {ENTRY_BYTES_MAX} fit into a bundle")]
    EntryTooLong { bytes: usize },
    #[error("the bundle ends inside entry {entry}")]
    CutOff { entry: usize },
    #[error("the bundle has more than the {width} entries of its name")]
    TooMany { width: u16 },
    #[error("the bundle has {entries} entries instead of {width}")]
    TooFew { entries: usize, width: u16 },
}

/// Appends one entry to a bundle.
pub fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleRefused> {
    let length =
        u16::try_from(entry.len()).map_err(|_| BundleRefused::EntryTooLong { bytes: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

pub fn encode<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BundleRefused> {
    let mut bundle = Vec::new();
    entries.into_iter().try_for_each(|entry| push(&mut bundle, entry))?;
    Ok(bundle)
}

/// Exactly `width` entries.
pub fn decode(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleRefused> {
    let (mut rest, mut entries) = (bytes, Vec::new());
    while !rest.is_empty() {
        let cut_off = BundleRefused::CutOff { entry: entries.len() };
        if entries.len() == usize::from(width) {
            return Err(BundleRefused::TooMany { width });
        }
        let (length, behind) = rest.split_first_chunk::<2>().ok_or(cut_off)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, behind) = behind.split_at_checked(length).ok_or(cut_off)?;
        entries.push(entry);
        rest = behind;
    }
    if entries.len() < usize::from(width) {
        return Err(BundleRefused::TooFew { entries: entries.len(), width });
    }
    Ok(entries)
}

/// The bytes of the first `width` entries; there may be more.
pub fn first(bytes: &[u8], width: u16) -> Result<&[u8], BundleRefused> {
    let mut rest = bytes;
    for entry in 0..usize::from(width) {
        if rest.is_empty() {
            return Err(BundleRefused::TooFew { entries: entry, width });
        }
        let cut_off = BundleRefused::CutOff { entry };
        let (length, behind) = rest.split_first_chunk::<2>().ok_or(cut_off)?;
        rest = behind.get(usize::from(u16::from_be_bytes(*length))..).ok_or(cut_off)?;
    }
    Ok(&bytes[..bytes.len() - rest.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_the_name_says() {
        let bundle = encode([&b"one"[..], b"", b"three"]).unwrap();
        assert_eq!(bundle, b"\0\x03one\0\0\0\x05three");
        assert_eq!(decode(&bundle, 3), Ok(vec![&b"one"[..], b"", b"three"]));
        assert_eq!(decode(&bundle, 2), Err(BundleRefused::TooMany { width: 2 }));
        assert_eq!(decode(&bundle, 4), Err(BundleRefused::TooFew { entries: 3, width: 4 }));
        assert_eq!(decode(&bundle[..bundle.len() - 1], 3), Err(BundleRefused::CutOff { entry: 2 }));
        assert_eq!(decode(&bundle[..6], 3), Err(BundleRefused::CutOff { entry: 1 }));
        assert_eq!(first(&bundle, 2), Ok(&bundle[..7]));
        assert_eq!(first(&bundle, 4), Err(BundleRefused::TooFew { entries: 3, width: 4 }));
        assert_eq!(first(&bundle[..11], 3), Err(BundleRefused::CutOff { entry: 2 }));
        let long = vec![0; ENTRY_BYTES_MAX + 1];
        assert_eq!(encode([&long[..]]), Err(BundleRefused::EntryTooLong { bytes: 65_536 }));
    }
}
