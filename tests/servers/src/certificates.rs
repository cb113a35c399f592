//! Certificates of an authority that only tests trust.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use crate::account::Account;
use crate::database::random_digits;

/// The files of a server that speaks TLS as `127.0.0.1` and `localhost`.
#[derive(Debug, Clone)]
pub(crate) struct Certificates {
    /// The authority's certificate, in PEM: what clients trust.
    pub(crate) authority: PathBuf,
    /// The server's, signed by the authority.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificates {
    /// Makes an authority and what it signs; its key is forgotten.
    pub(crate) fn make(folder: &Path, account: Account) -> Self {
        let authority_key = KeyPair::generate().expect("a key can be made");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // Authorities of one name would be taken for one another.
        let name = format!("authority {}", random_digits());
        params.distinguished_name.push(DnType::CommonName, name);
        let authority = params.self_signed(&authority_key).expect("it signs itself");
        let issuer = Issuer::new(params, authority_key);

        let key = KeyPair::generate().expect("a key can be made");
        let names = ["127.0.0.1", "localhost"].map(str::to_owned).to_vec();
        let mut params = CertificateParams::new(names).expect("valid names");
        let names = &mut params.distinguished_name;
        names.push(DnType::CommonName, "a database of tests");
        let certificate = params.signed_by(&key, &issuer).expect("it is signed");

        let files = Self {
            authority: folder.join("authority.pem"),
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
        };
        fs::write(&files.authority, authority.pem()).expect("the folder can be written");
        fs::write(&files.certificate, certificate.pem()).expect("the folder can be written");
        account.write_secret(&files.key, &key.serialize_pem());
        files
    }
}
