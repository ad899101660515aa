//! The octets of a kept notice, as they are written.

use rusqlite::{Transaction, blob::ZeroBlob, params};

use crate::notice::NoticeId;

/// How the mail of a notice is written. No `INSERT OR REPLACE`: what may have to be taken back is a
/// savepoint, at which the full-text index writes itself out.
pub(super) const NEW_MAIL: &str = "INSERT INTO mail VALUES (?1, ?2)";
pub(super) const OTHER_MAIL: &str = "UPDATE mail SET bytes = ?2 WHERE id = ?1";

/// Writes the mail of a notice. SQLite would make a copy of its own of a large one.
pub(super) fn put_mail(
    transaction: &Transaction,
    statement: &str,
    id: NoticeId,
    bytes: &[u8],
) -> rusqlite::Result<()> {
    /// A copy of fewer octets costs less than opening the row once more.
    const LARGE: usize = 256 * 1024;

    let is_small = bytes.len() < LARGE;
    let write = |statement: &str| {
        let mut statement = transaction.prepare_cached(statement)?;
        match is_small {
            true => statement.execute(params![id.0, bytes]),
            false => statement.execute(params![id.0, ZeroBlob(bytes.len() as u64)]),
        }
    };
    if write(statement)? == 0 {
        // Its row was lost by a damage.
        write(NEW_MAIL)?;
    }
    if is_small {
        return Ok(());
    }
    let mut blob = transaction.blob_open("main", "mail", "bytes", id.0, false)?;
    blob.write_at(bytes, 0)?;
    blob.close()
}
