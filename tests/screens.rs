//! Keys typed at a `Tui`, and the screens that come of them: every screen of the mock-ups, and the
//! behaviour behind them. The snapshots in `screens/` hold the text, then a letter for each colour role.

use tidings::{
    notice::{MailboxIndex, NoticeId},
    tui::event::{Answer, Event},
};

use crate::support::screen::{Screen, at, check, done, headline, settings, team};

mod anything;
mod beginning;
mod finding;
mod keys;
mod looks;
mod moving;
mod notices;
mod pictures;
mod reading;
mod states;

/// A search's answer.
fn found(query: &str, ids: &[i64], words: &[&str]) -> Event {
    Event::Found {
        mailbox: MailboxIndex(0),
        query: query.to_owned(),
        result: Ok(Answer::InOrder(ids.iter().copied().map(NoticeId).collect())),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        searched: 128,
    }
}
