//! What commands say on stderr: what is no data.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::style::Stylize;

use crate::notice::shown::Shown;

/// Whether stderr may be coloured, as `--color` and the environment say.
static COLOUR: AtomicBool = AtomicBool::new(false);

/// Says, once at the start, whether stderr may be coloured.
pub fn set_colour(is_coloured: bool) {
    COLOUR.store(is_coloured, Ordering::Relaxed);
}

/// Says something on stderr that is no data: a summary, a hint.
pub fn remark(words: &Shown) {
    // Nobody need listen.
    let _ = writeln!(io::stderr(), "{words}");
}

/// Says on stderr what failed.
pub fn complain(words: &Shown) {
    // Nobody need listen.
    let _ = match COLOUR.load(Ordering::Relaxed) {
        true => writeln!(io::stderr(), "{} {words}", "tidings:".red().bold()),
        false => writeln!(io::stderr(), "tidings: {words}"),
    };
}
