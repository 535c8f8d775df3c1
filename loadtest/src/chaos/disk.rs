//! A small disk for the record, that can be filled.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::Failure;

/// Room for a fresh PostgreSQL (some 40 MB, and 16 MB for each piece of its log) and a rush.
const SIZE: &str = "size=400m,mode=0755";
const BALLAST: &str = "ballast";
const CHUNK_BYTES: usize = 64 * 1024;

/// In memory: it forgets with the machine, not with the server. Unmounted when it is dropped.
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Only root may mount.
    pub fn mount() -> Result<Disk, Failure> {
        let path = std::env::temp_dir().join(format!("apricot-disk-{}", uuid::Uuid::now_v7()));
        fs::create_dir_all(&path).map_err(Failure::file(&path))?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "apricot"]).arg(&path).output();
        let said = mounted.map_err(Failure::system("running mount"))?;
        if said.status.success() {
            return Ok(Disk { path });
        }
        fs::remove_dir(&path).map_err(Failure::file(&path))?;
        let said = String::from_utf8_lossy(&said.stderr).trim().to_owned();
        Err(Failure::CannotHere { what: "mounting a small disk".into(), why: said })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// To the last byte.
    pub fn fill(&self) -> Result<(), Failure> {
        let path = self.path.join(BALLAST);
        let mut file = File::create(&path).map_err(Failure::file(&path))?;
        let mut bytes = CHUNK_BYTES;
        while bytes > 0 {
            match file.write_all(&vec![0; bytes]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => bytes /= 2,
                Err(error) => return Err(Failure::file(path)(error)),
            }
        }
        Ok(())
    }

    pub fn empty(&self) -> Result<(), Failure> {
        let path = self.path.join(BALLAST);
        fs::remove_file(&path).map_err(Failure::file(path))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.path).status();
        if !unmounted.is_ok_and(|status| status.success()) || fs::remove_dir(&self.path).is_err() {
            eprintln!("could not unmount {}", self.path.display());
        }
    }
}
