//! Unix sockets that a server listens at.

use std::{
    fs, io,
    os::unix::{
        fs::FileTypeExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
};

use rustix::{fs::Mode, process::umask};

/// Binds a Unix socket, in the place of one that nobody listens at any more. Its mode says who may
/// connect, as far as the folder around it lets them come. What is no socket stays as it is.
///
/// # Errors
///
/// Another program listens there, or something else is there, or it cannot be made.
pub fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            let what = format!("{} is there, and is no socket", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        match UnixStream::connect(path) {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path)?;
            }
            Err(error) => return Err(error),
        }
    }
    // The mode is the socket's from its first moment on: a name may be made to mean another file.
    let before = umask(Mode::from_raw_mode(!mode & 0o777));
    let socket = UnixListener::bind(path);
    umask(before);
    let socket = socket?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
