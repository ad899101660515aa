//! What commands say on stderr: what is no data.

use std::io::{self, Write};

use crate::notice::shown::Shown;

/// Says something on stderr that is no data: a summary, a hint.
pub fn remark(words: &Shown) {
    // Nobody need listen.
    let _ = writeln!(io::stderr(), "{words}");
}
