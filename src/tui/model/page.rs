//! The notice in the reader, and how far it is scrolled.

use std::sync::Arc;

use crate::{
    notice::{Line, MailboxIndex, Notice, NoticeId, TextForm, files::Way, thread::Slot},
    tui::{
        action::Action,
        effect::{Compared, Wanted},
        picture::Placed,
    },
};

/// The notice in the reader.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its headline.
    pub slot: Slot,
    /// Its row in the cache; 0 while it is only announced.
    pub id: NoticeId,
    /// In which form its text is shown, if there are two.
    pub form: TextForm,
    /// The two notices whose difference is shown instead of its text.
    pub compared: Option<Compared>,
    /// The file in it that is shown instead of its text.
    pub way: Way,
    /// What is on the screen, if anything is: something else may be on its way.
    pub shown: Option<Wanted>,
    /// True if long quotations are shown whole.
    pub is_unfolded: bool,
    /// The notice, once it was read from the cache.
    pub notice: Option<Arc<Notice>>,
    /// Its text, once it was laid out.
    pub lines: Arc<[Line]>,
    /// The columns it is to be laid out for.
    pub width: u16,
    /// The rows that a picture may take.
    pub rows: u16,
    /// The pictures in its text, or the one in its place.
    pub pictures: Vec<Placed>,
    /// The first line on the screen, the page's head included.
    pub scroll: usize,
    /// What was asked of it from the list, to be done once it is there.
    pub then: Option<Action>,
    /// True if the person marked it unread while reading: it stays so.
    pub stays_unread: bool,
}

impl Page {
    /// A notice that is about to be read from the cache.
    pub fn new(slot: Slot, id: NoticeId, (width, rows): (u16, u16)) -> Page {
        Page {
            slot,
            id,
            form: TextForm::Best,
            compared: None,
            way: Way::default(),
            shown: None,
            is_unfolded: false,
            notice: None,
            lines: Arc::default(),
            width,
            rows,
            pictures: Vec::new(),
            scroll: 0,
            then: None,
            stays_unread: false,
        }
    }

    /// What is wanted for it.
    pub fn wanted(&self, mailbox: MailboxIndex) -> Wanted {
        Wanted {
            mailbox,
            id: self.id,
            form: self.form,
            compared: self.compared,
            way: self.way,
            folds_quotes: !self.is_unfolded,
            width: self.width,
            rows: self.rows,
        }
    }

    /// How many lines of the page are above the end of the screen, in percent of all.
    pub fn percent(&self, height: usize, total: usize) -> usize {
        let seen = (self.scroll + height).min(total);
        (seen * 100).checked_div(total).unwrap_or(100)
    }

    /// The furthest that a page of so many lines can be scrolled.
    pub fn furthest(height: usize, total: usize) -> usize {
        total.saturating_sub(height)
    }
}
