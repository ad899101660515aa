//! The files attached to a mail, and the names under which they may be saved.

use super::shown::Shown;

/// An attachment, as it is listed. Its bytes come from [`super::Notice`]'s raw mail on demand.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its name, made safe to draw and to save under.
    pub name: Shown,
    /// Its media type, as `application/pdf`.
    pub content_type: Shown,
    /// Its size decoded, in octets.
    pub size: u64,
    /// Which part of the mail it is, for fetching its bytes.
    pub part: usize,
}
