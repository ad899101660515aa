//! A headline's place in the list's memory.

use crate::notice::Headline;

/// A headline's place in memory, which it keeps.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Slot(pub(super) u32);

impl Slot {
    /// The slot of the headline at the end.
    pub fn last_of(headlines: &[Headline]) -> Slot {
        let last = headlines.len().saturating_sub(1);
        Slot(u32::try_from(last).expect("fewer headlines than 2^32 fit into memory"))
    }

    /// Its index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
