//! Saving what a notice holds: never over something that is there, never where a link leads, never
//! executable.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::config::{self, Settings};

/// The most names that are tried before giving up.
const MOST_NAMES: u32 = 1_000;

/// The folder into which files are saved: the one set, else the platform's downloads, else home.
pub fn download_dir(settings: &Settings) -> PathBuf {
    if let Some(folder) = &settings.download_dir {
        return config::expand(folder);
    }
    if let Some(folder) = std::env::var_os("XDG_DOWNLOAD_DIR") {
        return PathBuf::from(folder);
    }
    let home = etcetera::home_dir().unwrap_or_else(|_| PathBuf::from("."));
    let downloads = home.join("Downloads");
    if downloads.is_dir() { downloads } else { home }
}

/// Saves `bytes` in `folder` under `name`, or `name (2)` if that is taken, and gives the path. The
/// file is complete when it appears, and nobody but its owner may read it.
///
/// # Errors
///
/// The folder cannot be made or written, or the disk is full. Nothing is left behind then.
pub fn save_new(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    for number in 1..=MOST_NAMES {
        let path = folder.join(numbered(name, number));
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                file = refused.file;
            }
            Err(refused) => return Err(refused.error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// `report.pdf`, `report (2).pdf`, `report (3).pdf`.
fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        Some(_) | None => format!("{name} ({number})"),
    }
}

/// A path as people write it: the home folder as `~`.
pub fn tilde(path: &Path) -> String {
    match etcetera::home_dir() {
        Ok(home) => match path.strip_prefix(&home) {
            Ok(rest) => format!("~/{}", rest.display()),
            Err(_) => path.display().to_string(),
        },
        Err(_) => path.display().to_string(),
    }
}
