//! The certificate that a server makes for itself where nobody has given it one.

use std::{io, net::IpAddr};

use crate::net::tls::{self, Acceptor};

use super::{
    folder::Folder,
    lock::{self, Locked, PATIENCE, Purpose},
};

/// A certificate that is signed by itself, and its key, both PEM, the key as PKCS#8.
pub struct Certificate {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: zeroize::Zeroizing<String>,
    /// The SHA-256 of the certificate in hex, for clients that pin it.
    pub fingerprint: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// It cannot be kept in the spool, or read from there.
    #[error("cannot keep the certificate in the spool")]
    Keep(#[source] io::Error),
    /// Another server is making one, and does not come to an end.
    #[error("cannot keep the certificate in the spool")]
    Lock(#[from] lock::Error),
    /// What is kept in the spool is no certificate.
    #[error(
        "the certificate in the spool cannot be used: remove .certificate.pem and .key.pem there"
    )]
    Damaged,
    /// The TLS library does not take it.
    #[error(transparent)]
    Tls(#[from] tls::Error),
}

/// The names in the spool's folder. No account's name begins with a dot.
const CERTIFICATE: &str = ".certificate.pem";
const KEY: &str = ".key.pem";

impl Certificate {
    /// Makes one for these names and addresses.
    ///
    /// # Errors
    ///
    /// One of them cannot stand in a certificate.
    pub fn make(names: &[String]) -> Result<Certificate, Error> {
        let made = rcgen::generate_simple_self_signed(names)?;
        Ok(Certificate {
            fingerprint: tls::hex(&tls::fingerprint(made.cert.der())),
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem().into(),
        })
    }

    /// The one that is kept in the spool, so that clients that pinned it find it again; made and kept
    /// if there is none.
    ///
    /// # Errors
    ///
    /// It cannot be made, kept or read.
    pub fn of_spool(folder: &Folder, names: &[String]) -> Result<Certificate, Error> {
        if let Some(kept) = Certificate::kept(folder)? {
            return Ok(kept);
        }
        // Two servers may begin at once: the second finds what the first has made.
        let locked = Locked::acquire(folder, CERTIFICATE, Purpose::Create, PATIENCE)?;
        // Closing another handle of it would give the lock back.
        let length = locked.file().metadata().map_err(Error::Keep)?.len();
        if length > 0
            && let Some(kept) = Certificate::kept(folder)?
        {
            return Ok(kept);
        }
        let made = Certificate::make(names)?;
        folder
            .replace(KEY, made.key.as_bytes())
            .and_then(|()| folder.replace(CERTIFICATE, made.certificate.as_bytes()))
            .map_err(Error::Keep)?;
        Ok(made)
    }

    /// The one that is kept in the spool; none while one of its two files is missing or empty.
    fn kept(folder: &Folder) -> Result<Option<Certificate>, Error> {
        let Some(certificate) = read(folder, CERTIFICATE)? else {
            return Ok(None);
        };
        let Some(key) = read(folder, KEY)? else {
            return Ok(None);
        };
        let (_, pem) =
            x509_parser::pem::parse_x509_pem(certificate.as_bytes()).map_err(|_| Error::Damaged)?;
        Ok(Some(Certificate {
            fingerprint: tls::hex(&tls::fingerprint(&pem.contents)),
            certificate,
            key: key.into(),
        }))
    }

    /// What a server needs to use it.
    ///
    /// # Errors
    ///
    /// The TLS library does not take it.
    pub fn acceptor(&self) -> Result<Acceptor, Error> {
        Ok(Acceptor::new(
            self.certificate.as_bytes(),
            self.key.as_bytes(),
        )?)
    }
}

/// The names of a server that listens at these addresses: they, and those of this machine itself.
pub fn names<'a>(addresses: impl IntoIterator<Item = &'a IpAddr>) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    for address in addresses {
        let name = address.to_string();
        if !address.is_unspecified() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn read(folder: &Folder, name: &str) -> Result<Option<String>, Error> {
    /// A longer one is none, in octets.
    const LONGEST: u64 = 1024 * 1024;

    match folder.read(name).and_then(|file| file.text(LONGEST)) {
        // The lock makes the file before there is anything to put in it.
        Ok(text) => Ok((!text.is_empty()).then_some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Keep(error)),
    }
}
