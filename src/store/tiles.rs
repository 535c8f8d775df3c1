//! The public log as static files: what c2sp.org/tlog-tiles serves, in a folder that any web server can serve as well. Made from the record's
//! leaves and made again from them when it is lost; nothing here is the only copy of anything, so nothing is synced to the disk.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use apricot_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use apricot_tlog::merkle::{Hash, leaf_hash};
use apricot_tlog::tile::{Edge, EdgeRefused, Kind, Tile, bundle};

const CHECKPOINT: &str = "checkpoint";

#[derive(Debug, thiserror::Error)]
pub enum TilesError {
    #[error("{}: {reason}; make the folder of the public log writable for this user, and see whether the disk is full", path.display())]
    File { path: PathBuf, reason: io::Error },
    #[error("{0}")]
    Edge(#[from] EdgeRefused),
    #[error("an entry does not fit into a bundle: {0}")]
    Bundle(#[from] bundle::BundleRefused),
    #[error("the leaves of the record have the root {found:?} at size {size}, its checkpoint has {root:?}")]
    OtherRoot { size: u64, found: Hash, root: Hash },
    #[error("the checkpoint is of {size} leaves, and {have} are there")]
    OtherSize { size: u64, have: u64 },
}

#[derive(Clone)]
pub struct TileFolder(PathBuf);

/// The folder with the right edge of its tree, which goes on where the folder ends.
pub struct Tiles {
    folder: TileFolder,
    edge: Edge,
    /// The last bundle of entries as far as it is filled.
    bundle: Vec<u8>,
    /// Every leaf came from the record since the start; otherwise the folder's word was taken for what was there.
    made_here: bool,
}

impl TileFolder {
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub fn read(&self, tile: Tile) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(tile.to_string()))
    }

    /// As it is asked for over the network: a partial tile that this node passed over, or that has filled up, is cut from what it grew to.
    pub fn read_or_cut(&self, tile: Tile) -> io::Result<Vec<u8>> {
        match self.read(tile) {
            Err(error) if error.kind() == ErrorKind::NotFound && !tile.is_full() => {}
            read => return read,
        }
        let wider = self.wider(tile).map_or_else(|| self.read(tile.full()), |wider| self.read(wider));
        let bytes = match wider {
            // It filled up in this moment.
            Err(error) if error.kind() == ErrorKind::NotFound => self.read(tile.full())?,
            read => read?,
        };
        tile.cut_from(&bytes).map_err(|refused| io::Error::new(ErrorKind::InvalidData, refused))
    }

    /// The least of the partial tiles that have all of this one.
    fn wider(&self, tile: Tile) -> Option<Tile> {
        let files = fs::read_dir(self.0.join(format!("{}.p", tile.full()))).ok()?;
        let widths = files.filter_map(|file| file.ok()?.file_name().to_str()?.parse::<u16>().ok());
        let width = widths.filter(|width| *width > tile.width).min()?;
        Some(Tile { width, ..tile })
    }

    pub fn checkpoint(&self) -> io::Result<String> {
        fs::read_to_string(self.0.join(CHECKPOINT))
    }

    /// A full tile; the partial ones before it may go then, as the specification says.
    fn fill(&self, tile: Tile, bytes: &[u8]) -> Result<(), TilesError> {
        let name = tile.to_string();
        self.write(&name, bytes)?;
        let partial = self.0.join(format!("{name}.p"));
        match fs::remove_dir_all(&partial) {
            Err(reason) if reason.kind() != ErrorKind::NotFound => {
                Err(TilesError::File { path: partial, reason })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Whole or not at all for whoever reads meanwhile.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), TilesError> {
        let path = self.0.join(name);
        let failed = |reason| TilesError::File { path: path.clone(), reason };
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(failed)?;
        }
        let unfinished = path.with_file_name(".unfinished");
        fs::write(&unfinished, bytes).map_err(failed)?;
        fs::rename(&unfinished, &path).map_err(failed)
    }
}

impl Tiles {
    /// Goes on where the folder ends. A folder that is not there, or is not whole, is begun anew.
    pub fn open(path: &Path) -> Self {
        let folder = TileFolder::new(path);
        let resumed = Self::resume(&folder);
        resumed.unwrap_or_else(|_begun_anew| Self {
            folder,
            edge: Edge::default(),
            bundle: Vec::new(),
            made_here: true,
        })
    }

    /// From the first leaf; files are written over.
    pub fn begin_anew(&mut self) {
        self.edge = Edge::default();
        self.bundle.clear();
        self.made_here = true;
    }

    pub fn is_made_here(&self) -> bool {
        self.made_here
    }

    fn resume(folder: &TileFolder) -> Result<Self, TilesError> {
        let failed = |reason| TilesError::File { path: folder.0.clone(), reason };
        let note = folder.checkpoint().map_err(failed)?;
        let signed = SignedCheckpoint::parse(note.as_bytes());
        let signed = signed.map_err(|_| failed(io::Error::from(ErrorKind::InvalidData)))?;
        let Checkpoint { size, root, .. } = *signed.unverified();
        let edge = Edge::resume(size, root, |tile| {
            folder
                .read(tile)
                .map_err(|reason| TilesError::File { path: folder.0.join(tile.to_string()), reason })
        })?;
        let last = Tile::partial(size).find(|tile| tile.kind == Kind::Entries);
        let bundle = match last {
            Some(tile) => folder.read(tile).map_err(failed)?,
            None => Vec::new(),
        };
        Ok(Self { folder: folder.clone(), edge, bundle, made_here: false })
    }

    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root after more leaves; nothing is written yet.
    pub fn root_with<'a>(&self, leaves: impl IntoIterator<Item = &'a str>) -> Hash {
        let mut edge = self.edge.clone();
        for leaf in leaves {
            edge.append(leaf_hash(leaf.as_bytes()), |_, _| {});
        }
        edge.root()
    }

    /// Full tiles are written as they fill up.
    pub fn append(&mut self, leaf: &str) -> Result<(), TilesError> {
        bundle::push(&mut self.bundle, leaf.as_bytes())?;
        let mut full = Vec::new();
        self.edge.append(leaf_hash(leaf.as_bytes()), |tile, bytes| full.push((tile, bytes)));
        for (tile, bytes) in full {
            if tile.kind == (Kind::Hashes { level: 0 }) {
                let entries = Tile { kind: Kind::Entries, ..tile };
                self.folder.fill(entries, &std::mem::take(&mut self.bundle))?;
            }
            self.folder.fill(tile, &bytes)?;
        }
        Ok(())
    }

    /// Publishes a checkpoint of all leaves: first the partial tiles that it needs, then its text. `note` is the whole signed text.
    pub fn publish(&mut self, checkpoint: &Checkpoint, note: &str) -> Result<(), TilesError> {
        let (size, have) = (checkpoint.size, self.edge.size());
        if size != have {
            return Err(TilesError::OtherSize { size, have });
        }
        let found = self.edge.root();
        if found != checkpoint.root {
            return Err(TilesError::OtherRoot { size, found, root: checkpoint.root });
        }
        for (tile, bytes) in self.edge.partial() {
            self.folder.write(&tile.to_string(), bytes)?;
        }
        if let Some(tile) = Tile::partial(size).find(|tile| tile.kind == Kind::Entries) {
            self.folder.write(&tile.to_string(), &self.bundle)?;
        }
        self.folder.write(CHECKPOINT, note.as_bytes())
    }
}
