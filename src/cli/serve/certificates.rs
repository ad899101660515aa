//! The server's certificate: the one that is given, or one of its own.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{
    net::tls::Acceptor,
    server::{
        certificate::{self, Certificate},
        spool::Spool,
    },
};

use super::ServeArgs;

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Of these two files.
    Files {
        /// The chain.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// Made by the server itself, for these addresses.
    Own(Vec<IpAddr>),
    /// There is none.
    None,
}

impl Source {
    /// As the command line says. Without files there is one of the server's own, if TLS is asked for.
    pub(super) fn of(args: &ServeArgs, tls: &[IpAddr]) -> Source {
        match (&args.cert, &args.key) {
            (Some(cert), Some(key)) => Source::Files {
                cert: cert.clone(),
                key: key.clone(),
            },
            _ if tls.is_empty() => Source::None,
            _ => Source::Own(tls.to_vec()),
        }
    }

    /// What can be read only before the process becomes another user.
    pub(super) fn read(&self) -> anyhow::Result<Option<Acceptor>> {
        let Source::Files { cert, key } = self else {
            return Ok(None);
        };
        let read = |path: &Path| {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        };
        Ok(Some(Acceptor::new(&read(cert)?, &read(key)?)?))
    }

    /// What is kept in the spool.
    pub(super) fn keep(&self, spool: &Spool) -> anyhow::Result<Option<Acceptor>> {
        let Source::Own(addresses) = self else {
            return Ok(None);
        };
        let own = Certificate::of_spool(spool.folder(), &certificate::names(addresses))?;
        tracing::info!(
            pin_sha256 = own.fingerprint,
            "a self-made certificate: clients need pin_sha256, or .certificate.pem of the spool as ca_file"
        );
        Ok(Some(own.acceptor()?))
    }
}

/// Looks whether clients would get through.
pub(super) async fn try_out(acceptor: &Acceptor) -> anyhow::Result<()> {
    acceptor
        .try_out()
        .await
        .context("the certificate and the key do not belong together")
}
