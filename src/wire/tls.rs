//! TLS for those who run without a proxy: a certificate and its key in two PEM files, exchanged for new connections when they change.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls::{Error as Broken, InconsistentKeys};
use tokio_rustls::TlsAcceptor;

use crate::model::Timestamp;

mod validity;

pub use validity::Until;

/// A chain of four certificates is 8 KiB.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// The one protocol that is spoken inside; a client that wants only HTTP/2 learns it in the handshake.
const ALPN: &[u8] = b"http/1.1";

/// The certificate in use and where it comes from. Clones are the same.
#[derive(Clone)]
pub struct Certificates(Arc<Inner>);

struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
    /// Of the files that were read last, whether or not they fitted: each change is tried once.
    stamp: Mutex<Stamp>,
}

/// When each of the two files was changed, and how long it is.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// What the next handshake shows. Sessions that were begun under another certificate go on.
struct Shown(RwLock<Arc<CertifiedKey>>);

/// Which file, what is wrong with it, what to do. Nothing of a key's content.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}: {reason}; correct `{setting}`, or make the file readable for this user", path.display())]
    Unreadable { path: PathBuf, setting: &'static str, reason: io::Error },
    #[error("{} has no certificate in PEM; give `tls.certificate` a file with -----BEGIN CERTIFICATE-----", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} has no private key in PEM; give `tls.key` a file with -----BEGIN PRIVATE KEY-----", path.display())]
    NoKey { path: PathBuf },
    #[error("{} is encrypted; write it without a password: openssl pkey -in FILE -out NEW", path.display())]
    Encrypted { path: PathBuf },
    #[error("{} is damaged; write it again, or restore it from a backup", path.display())]
    Damaged { path: PathBuf },
    #[error("{} is of a kind that cannot sign here; use ECDSA P-256 or P-384, Ed25519, or RSA from 2048 bits", path.display())]
    Unusable { path: PathBuf },
    #[error(
        "the key {} is not that of the certificate {}; give both of one pair, the server's own certificate first in its file",
        key.display(),
        certificate.display()
    )]
    Mismatch { certificate: PathBuf, key: PathBuf },
    #[error("TLS cannot be started: {0}")]
    Library(Broken),
}

impl Certificates {
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let stamp = stamp(certificate, key);
        let shown = Arc::new(Shown(RwLock::new(Arc::new(read(certificate, key, &provider)?))));
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().map_err(TlsError::Library)?;
        let mut config = config.with_no_client_auth().with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A room full of phones that come back needs no signature for each of them, and no memory in between.
        config.ticketer = ring::Ticketer::new().map_err(TlsError::Library)?;
        // The default is two, for clients that use several connections; a page here has one socket.
        config.send_tls13_tickets = 1;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (certificate, key, stamp) = (certificate.to_owned(), key.to_owned(), Mutex::new(stamp));
        Ok(Self(Arc::new(Inner { certificate, key, acceptor, shown, stamp })))
    }

    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.0.acceptor
    }

    /// Whether a file changed since it was last read.
    pub fn changed(&self) -> bool {
        let Inner { certificate, key, stamp: known, .. } = &*self.0;
        *known.lock().unwrap_or_else(PoisonError::into_inner) != stamp(certificate, key)
    }

    /// Shows new connections what is in the files now. What does not fit changes nothing.
    pub fn reload(&self) -> Result<(), TlsError> {
        let Inner { certificate, key, acceptor, shown, stamp: known } = &*self.0;
        // Before reading: a change in between is seen the next time.
        *known.lock().unwrap_or_else(PoisonError::into_inner) = stamp(certificate, key);
        let read = read(certificate, key, acceptor.config().crypto_provider())?;
        *shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        Ok(())
    }

    /// When the certificate in use ends; `None` when it does not say so legibly.
    pub fn until(&self) -> Option<Until> {
        Until::of(self.0.shown.current().cert.first()?)
    }

    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.until().is_some_and(|until| until.is_before(now))
    }

    /// The key, when every user of this machine can read it.
    pub fn key_open_to_all(&self) -> Option<&Path> {
        open_to_all(&self.0.key).then_some(&self.0.key)
    }
}

impl Shown {
    fn current(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = read_chain(certificate)?;
    let signer = provider.key_provider.load_private_key(read_key(key)?);
    let signer = signer.map_err(|_| TlsError::Unusable { path: key.to_owned() })?;
    let pair = CertifiedKey::new(chain, signer);
    match pair.keys_match() {
        Ok(()) => Ok(pair),
        Err(Broken::InconsistentKeys(InconsistentKeys::KeyMismatch | InconsistentKeys::Unknown)) => {
            Err(TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() })
        }
        Err(_) => Err(TlsError::Damaged { path: certificate.to_owned() }),
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read_file(path, "tls.certificate")?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|_| TlsError::Damaged { path: path.to_owned() })?;
    if chain.is_empty() { Err(TlsError::NoCertificate { path: path.to_owned() }) } else { Ok(chain) }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read_file(path, "tls.key")?;
    let path = path.to_owned();
    // In the word itself for PKCS#8, in a header for the older kinds.
    if text.windows(b"ENCRYPTED".len()).any(|word| word == b"ENCRYPTED") {
        return Err(TlsError::Encrypted { path });
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey { path },
        _ => TlsError::Damaged { path },
    })
}

fn read_file(path: &Path, setting: &'static str) -> Result<Vec<u8>, TlsError> {
    let failed = |reason| TlsError::Unreadable { path: path.to_owned(), setting, reason };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(io::Error::other(format!("more than {FILE_BYTES_MAX} bytes"))));
    }
    Ok(bytes)
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    let of = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    [of(certificate), of(key)]
}

#[cfg(unix)]
fn open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests;
