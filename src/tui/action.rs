//! What a key can mean, and the modes in which keys are looked up.
//!
//! Every action is a `:` command as well, under its name with spaces for underscores.

use std::fmt;

/// Where the keys go at present. Keys that a mode does not know are looked up in [`Mode::Global`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Mode {
    /// Everywhere.
    Global,
    /// In the list.
    List,
    /// In the reader.
    Reader,
    /// In an overlay; where one types, only keys that are not text are looked up.
    Overlay,
    /// In the activity view.
    Activity,
    /// In the demo, before the list's own keys.
    Demo,
}

impl Mode {
    /// All modes, in the order in which they are explained.
    pub const ALL: [Mode; 6] = [
        Mode::Global,
        Mode::List,
        Mode::Reader,
        Mode::Overlay,
        Mode::Activity,
        Mode::Demo,
    ];

    /// The name of its table in a keymap.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Global => "global",
            Mode::List => "list",
            Mode::Reader => "reader",
            Mode::Overlay => "overlay",
            Mode::Activity => "activity",
            Mode::Demo => "demo",
        }
    }
}

/// Defines the actions with their names and what help says of them.
macro_rules! actions {
    ($($variant:ident $name:literal $says:literal)*) => {
        /// What a key means.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Action {
            $(#[doc = $says] $variant,)*
        }

        impl Action {
            /// All actions, in the order in which they are explained.
            pub const ALL: &'static [Action] = &[$(Action::$variant,)*];

            /// Its name in a keymap.
            pub fn name(self) -> &'static str {
                match self {
                    $(Action::$variant => $name,)*
                }
            }

            /// What it does, in a few words.
            pub fn says(self) -> &'static str {
                match self {
                    $(Action::$variant => $says,)*
                }
            }
        }
    };
}

actions! {
    Next "next" "next row or line"
    Previous "previous" "previous row or line"
    HalfPageDown "half_page_down" "half a page down"
    HalfPageUp "half_page_up" "half a page up"
    PageDown "page_down" "a page down"
    PageUp "page_up" "a page up"
    Top "top" "to the top, where the newest are"
    Bottom "bottom" "to the bottom"
    Open "open" "read the notice; choose the entry"
    Back "back" "one step back"
    Leave "leave" "one step back; at the top, quit"
    Quit "quit" "quit: nothing is lost"
    ReadOn "read_on" "page, then next unread"
    ReadBack "read_back" "page back"
    NextUnread "next_unread" "next unread, or match in a search"
    PreviousUnread "previous_unread" "previous unread, or match in a search"
    NextNotice "next_notice" "next notice, also from the reader"
    PreviousNotice "previous_notice" "previous notice, also from the reader"
    OtherPane "other_pane" "to the other pane"
    ToggleRead "toggle_read" "mark read or unread, only for you"
    Star "star" "star, only for you"
    Undo "undo" "undo the last mark"
    MarkAllRead "mark_all_read" "mark all read that are listed"
    CatchUp "catch_up" "mark read what is older than 14 days"
    Mute "mute" "mute the thread: what follows arrives as read"
    Search "search" "search senders, subjects and text"
    Filter "filter" "go round: all, unread, starred, withdrawn"
    FilterImportant "important" "show important notices only, or all"
    ShowAll "all" "show all notices"
    ShowUnread "unread" "show unread notices only"
    ShowStarred "starred" "show starred notices only"
    ShowWithdrawn "withdrawn" "show withdrawn notices only"
    Mailboxes "mailboxes" "choose another mailbox"
    PickMailbox "pick_mailbox" "open the mailbox of this number"
    Palette "commands" "every command with its keys"
    Links "links" "links of the notice; a single one opens at once"
    Files "files" "files of the notice"
    OpenOutside "open_outside" "open the chosen file with the system's program"
    Images "images" "show the attached image"
    OtherForm "other_form" "the text as HTML, or as plain text"
    Compare "compare" "what has changed since the notice that it replaces"
    Copy "copy" "copy text, link or id"
    Save "save" "save the notice, or the chosen file"
    Pipe "pipe" "pipe the text into a program"
    Reply "reply" "write to the sender with your mail program"
    Threads "threads" "group threads, or not"
    ByList "by_list" "group by list, or not"
    Fold "fold" "fold or unfold the thread; in the reader, what is quoted"
    FoldAll "fold_all" "fold or unfold all threads"
    Time "time" "go round the ways to show times"
    Layout "layout" "reader to the right, below, or off"
    Check "check" "check the server now"
    Activity "activity" "every check, and how it went"
    ErrorsOnly "errors_only" "show only checks that did not come through"
    FixPassword "fix_password" "type the password anew"
    Details "details" "details of the last check"
    Dismiss "dismiss" "dismiss the banner or message"
    Help "help" "the keys of this screen"
    NewMailbox "new_mailbox" "set up another mailbox"
    Redraw "redraw" "draw the screen anew"
    Suspend "suspend" "stop the program; fg continues it"
    Delete "delete" "nothing: nothing is ever deleted"
    DemoSend "demo_send" "send a notice to everyone in the demo"
    DemoBreak "demo_break" "break or mend the demo's server"
    DemoPause "demo_pause" "hold the demo's story, or go on"
    Nothing "none" "nothing"
}

impl Action {
    /// The action of this name.
    pub fn named(name: &str) -> Option<Action> {
        Action::ALL
            .iter()
            .copied()
            .find(|action| action.name() == name)
    }

    /// Its name as a `:` command.
    pub fn command(self) -> String {
        self.name().replace('_', " ")
    }

    /// True if it is no `:` command: it does nothing, or needs the key that was pressed.
    pub fn is_hidden(self) -> bool {
        matches!(self, Action::Nothing | Action::PickMailbox | Action::Delete)
    }

    /// True if it means something only in the demo.
    pub fn is_of_demo(self) -> bool {
        matches!(
            self,
            Action::DemoSend | Action::DemoBreak | Action::DemoPause
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}
