//! What the loop shall do in the world. Nothing in this room does any of it.
//!
//! Effects that are answered name their [`super::event::Event`]. All are performed off the loop:
//! the screen goes on meanwhile. One that fails is answered by `Event::Failed`.

use std::{sync::Arc, time::Duration};

use crate::{
    config::{Age, Mailbox, Password},
    notice::{MailboxIndex, NoticeId, TextForm, files::Way, shown::Shown},
};

/// A notice that is wanted on the screen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Of which mailbox.
    pub mailbox: MailboxIndex,
    /// Which notice.
    pub id: NoticeId,
    /// In which form, if there are two.
    pub form: TextForm,
    /// The two notices whose difference is shown instead of its text.
    pub compared: Option<Compared>,
    /// The file in it that is shown instead of its text.
    pub way: Way,
    /// Of long quotations only how long they are.
    pub folds_quotes: bool,
    /// The columns to lay it out for.
    pub width: u16,
    /// The rows that a picture may take.
    pub rows: u16,
}

impl Wanted {
    /// What it is of, however it is laid out: that of one text is the same for every size.
    pub fn anyhow_laid_out(self) -> Wanted {
        Wanted {
            folds_quotes: false,
            width: 0,
            rows: 0,
            ..self
        }
    }
}

/// Two notices of which one follows on the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Compared {
    /// The older one.
    pub older: NoticeId,
    /// The one in its place.
    pub newer: NoticeId,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    // ---- the program ----
    /// End the program: end the checks, give the terminal back.
    Quit,
    /// Stop as Ctrl-Z does: give the terminal back, stop, and draw all anew when continued.
    Suspend,
    /// Draw all anew, as if the terminal had been cleared (Ctrl-L).
    Redraw,
    /// Wake the screen once with `Event::Woke`; an earlier wish for the same timer is void.
    WakeAfter {
        /// What for.
        timer: Timer,
        /// In how long.
        after: Duration,
    },
    /// Set the terminal's title, as `(3) notices`.
    SetTitle(String),
    /// Ring the bell.
    Ring,
    /// Tell by the desktop (OSC 9).
    Post(Shown),
    /// Run the settings' notification command, with the count in `TIDINGS_NEW`.
    RunNotification {
        /// The program and its arguments.
        command: Vec<String>,
        /// How many notices are new.
        new: u32,
    },

    // ---- the cache ----
    /// Load a mailbox's headlines, newest first (`Event::Loaded`, in parts). The visit counts as
    /// begun: until the next one, `last_visit` is that of before.
    Load {
        /// Which.
        mailbox: MailboxIndex,
    },
    /// Read a notice and lay it out, without the list of its links (`Event::Opened`). A newer one makes an
    /// older one void.
    Open(Wanted),
    /// Change marks in the cache.
    Mark {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// Which notices.
        ids: Vec<NoticeId>,
        /// What becomes of them.
        change: Change,
    },
    /// Find the notices that rules give a colour (`Event::Coloured`).
    Colour {
        /// Of which mailbox.
        mailbox: MailboxIndex,
    },
    /// Search a mailbox (`Event::Found`). A newer search makes an older one void.
    Search {
        /// Which.
        mailbox: MailboxIndex,
        /// As it was typed, operators included.
        query: String,
    },
    /// Read the earlier checks (`Event::Recalled`).
    Recall {
        /// Of which mailbox.
        mailbox: MailboxIndex,
    },

    // ---- the pollers ----
    /// Check now, also if checks were stopped.
    CheckNow {
        /// Which mailbox.
        mailbox: MailboxIndex,
    },
    /// Use this password for this run, and check now.
    SignIn {
        /// For which mailbox.
        mailbox: MailboxIndex,
        /// The password.
        password: Password,
    },

    // ---- links, files, programs ----
    /// Open a link: http and https by the browser, mailto by the mail program.
    OpenLink {
        /// The address, as it was shown.
        target: Shown,
    },
    /// Open an attachment by the system's opener. The screen has asked already.
    OpenFile {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// Of which notice.
        id: NoticeId,
        /// Where it is in the mail.
        way: Way,
    },
    /// Save attachments into the download folder, never overwriting (`Event::Done` says where).
    SaveFiles {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// Of which notice.
        id: NoticeId,
        /// Where they are in the mail.
        ways: Vec<Way>,
    },
    /// Save a notice as it came (`.eml`) into the download folder.
    SaveNotice {
        /// Of which mailbox.
        mailbox: MailboxIndex,
        /// Which notice.
        id: NoticeId,
    },
    /// Save a text of ours (the activity log) into the download folder.
    SaveText {
        /// The file's name.
        name: String,
        /// The text.
        text: Arc<str>,
    },
    /// Copy by OSC 52.
    Copy {
        /// The text.
        text: String,
    },
    /// Copy a notice's text, not wrapped, by OSC 52.
    CopyNotice(Wanted),
    /// Pipe a notice's decoded text into a program that the person named; it has the terminal.
    Pipe {
        /// What of it.
        wanted: Wanted,
        /// The program and its arguments.
        command: Vec<String>,
    },

    // ---- the setup ----
    /// Test a connection, stage by stage, stopping at the first failure (`Event::Tested`).
    TestConnection {
        /// The number of this test; a newer one makes an older one void.
        trial: u32,
        /// What to connect to.
        mailbox: Box<Mailbox>,
        /// The password, unless the mailbox's command gives it.
        password: Password,
    },
    /// Read a team file (`Event::TeamFileLoaded`).
    LoadTeamFile {
        /// Its path, as it was typed.
        path: String,
    },
    /// Write the settings (`Event::SetupSaved`).
    SaveSetup(Box<Plan>),
    /// Leave the setup for the demo.
    StartDemo,

    // ---- the demo ----
    /// Do something in the demo.
    Demo(DemoEffect),
}

/// What the screen wants to be woken for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Timer {
    /// The times in the list get older: at the next full minute.
    Minute,
    /// A countdown is shown: in a second.
    Countdown,
    /// The notice on screen counts as read once it was there for a while.
    MarkRead,
    /// A check lasts longer than a second, and is mentioned.
    SlowCheck,
    /// New notices above are revealed after a minute without a key.
    Reveal,
    /// The setup's test begins once the fingers rest.
    Test,
}

/// What becomes of marks; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Change {
    /// Read or unread.
    pub read: Option<bool>,
    /// Starred or not.
    pub starred: Option<bool>,
    /// Thread muted or not.
    pub muted: Option<bool>,
}

/// What the setup found out, to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The mailbox; its password command is set if there is one.
    pub mailbox: Mailbox,
    /// Where the password stays.
    pub keep: Keep,
    /// The password that was typed: for this run, and for [`Keep::File`].
    pub password: Password,
    /// From which age on notices start as read.
    pub unread_since: Age,
}

/// Where the password of a new mailbox stays.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Keep {
    /// A command prints it: nothing is stored.
    Command,
    /// In a file of its own that nobody else may read.
    File,
    /// Nowhere: it is asked for at each start.
    #[default]
    Ask,
}

/// What the person does to the demo. (It waits by itself while keys are pressed.)
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DemoEffect {
    /// Send a notice to everyone.
    Send,
    /// Break the server, or mend it.
    ToggleServer,
    /// Hold the script, or let it go on.
    TogglePause,
}
