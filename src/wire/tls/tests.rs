use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    /// A pair that fits.
    fn new(not_after: (i32, u8, u8)) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let key = KeyPair::generate().unwrap();
        folder.write("certificate.pem", &certificate(&key, not_after));
        folder.write("key.pem", &key.serialize_pem());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn open(&self) -> Result<Certificates, TlsError> {
        Certificates::open(&self.path("certificate.pem"), &self.path("key.pem"))
    }

    #[track_caller]
    fn refuses(&self, says: &str) {
        let line = self.open().err().unwrap().to_string();
        let line = line.replace(&format!("{}/", self.0.path().display()), "");
        assert!(line.starts_with(says) && line.lines().count() == 1, "{line}");
    }
}

fn certificate(key: &KeyPair, (year, month, day): (i32, u8, u8)) -> String {
    let mut params = CertificateParams::new(vec!["apricot.test".into()]).unwrap();
    params.not_after = rcgen::date_time_ymd(year, month, day);
    params.self_signed(key).unwrap().pem()
}

#[test]
fn what_does_not_fit_is_named_with_its_file() {
    let folder = Folder::new((2030, 1, 31));
    let (whole, key) =
        (fs::read_to_string(folder.path("certificate.pem")).unwrap(), KeyPair::generate().unwrap());
    folder.write("key.pem", &key.serialize_pem());
    folder.refuses("the key key.pem is not that of the certificate certificate.pem; give both of one pair");
    folder.write("key.pem", &whole);
    folder.refuses("key.pem has no private key in PEM; give `tls.key`");
    folder.write(
        "key.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    folder.refuses("key.pem is encrypted; write it without a password");
    folder.write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    folder.refuses("key.pem is of a kind that cannot sign here");
    folder.write("key.pem", "-----BEGIN PRIVATE KEY-----\nsecret\n");
    folder.refuses("key.pem is damaged; write it again");
    fs::remove_file(folder.path("key.pem")).unwrap();
    folder.refuses("key.pem: No such file or directory (os error 2); correct `tls.key`");
    folder.write("certificate.pem", "not a certificate");
    folder.refuses("certificate.pem has no certificate in PEM; give `tls.certificate`");
    folder.write("certificate.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    folder.write("key.pem", &key.serialize_pem());
    folder.refuses("certificate.pem is damaged");
    folder.write("certificate.pem", &" ".repeat(FILE_BYTES_MAX as usize + 1));
    folder.refuses("certificate.pem: more than 262144 bytes; correct `tls.certificate`");
    fs::remove_file(folder.path("certificate.pem")).unwrap();
    folder.refuses("certificate.pem: No such file");
}

#[test]
fn keys_of_other_kinds_fit_too() {
    let folder = Folder::new((2030, 1, 31));
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    folder.write("certificate.pem", &certificate(&key, (2030, 1, 31)));
    folder.write("key.pem", &key.serialize_pem());
    folder.open().unwrap();
}

/// Until 2049 in one form, from 2050 in another.
#[test]
fn the_end_of_a_certificate_is_read() {
    let at = |seconds: i64| Timestamp(seconds * 1_000);
    for (date, printed, seconds) in [
        ((2030, 1, 31), "2030-01-31T00:00:00Z", 1_896_048_000),
        ((2020, 2, 29), "2020-02-29T00:00:00Z", 1_582_934_400),
        ((2050, 1, 1), "2050-01-01T00:00:00Z", 2_524_608_000),
    ] {
        let certificates = Folder::new(date).open().unwrap();
        assert_eq!(certificates.until().unwrap().to_string(), printed);
        assert!(!certificates.has_ended(at(seconds)));
        assert!(certificates.has_ended(at(seconds + 1)));
    }
    assert_eq!(Until::of(&CertificateDer::from(vec![0x30, 0x82, 1])), None);
}

#[test]
fn nothing_of_a_key_is_printed() {
    let certificates = Folder::new((2030, 1, 31)).open().unwrap();
    assert_eq!(format!("{:?}", certificates.0.shown), "Shown");
}
