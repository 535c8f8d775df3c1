//! A certificate for the throw-away server, in its data folder, and trust in that one alone.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rcgen::{CertificateParams, KeyPair};

use crate::{contract::tls::Trust, failure::Failure};

/// What `tls.certificate` and `tls.key` name, and what clients need.
#[derive(Debug)]
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
    pub trust: Trust,
}

/// Where a throw-away server listens.
const NAME: &str = "127.0.0.1";

impl Certificate {
    /// ECDSA P-256, signed by itself.
    pub fn make(folder: &Path) -> Result<Certificate, Failure> {
        let strange =
            |error| Failure::System { what: "making a certificate", source: io::Error::other(error) };
        let signer = KeyPair::generate().map_err(strange)?;
        let params = CertificateParams::new([NAME.to_string()]).map_err(strange)?;
        let certificate = params.self_signed(&signer).map_err(strange)?;
        let (chain, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        write(&chain, &certificate.pem())?;
        write(&key, &signer.serialize_pem())?;
        let trust = Trust::only_in(certificate.der().clone());
        let trust = trust.map_err(Failure::system("trusting the certificate"))?;
        Ok(Certificate { chain, key, trust })
    }
}

/// For this user only, as the server wants its key.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(Failure::file(path))
}
