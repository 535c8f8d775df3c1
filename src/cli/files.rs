//! Files that commands read and write: with a bound, and whole or not at all.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Failed;

/// `-` is standard input. One byte more than may be there tells a file that is too long.
pub fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failed> {
    let named = |error: io::Error| Failed::usage(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(bytes_max + 1).read_to_end(&mut bytes).map_err(named)?;
    } else {
        File::open(path).map_err(named)?.take(bytes_max + 1).read_to_end(&mut bytes).map_err(named)?;
    }
    if bytes.len() as u64 > bytes_max {
        return Err(Failed::usage(format!("{}: more than {bytes_max} bytes", path.display())));
    }
    Ok(bytes)
}
