//! The reader's page as lines: its head, the notice's text, and what follows on it.
//!
//! Drawing and scrolling both ask here, so that they agree on how long a page is.

use crate::notice::{Headline, Line, Notice, shown::Shown, text, thread::Slot, when};

use super::{
    action::{Action, Mode},
    layout::{Panes, Shape},
    model::{Model, list::List, page::Page},
    theme::Role,
};

/// A page's lines, in three parts.
pub struct Composed<'a> {
    /// Who sent what when.
    pub head: Vec<Row>,
    /// The notice's text.
    pub body: &'a [Line],
    /// Its links, its files, and what was answered.
    pub tail: Vec<Row>,
    /// The line of files, where it stands still below the text.
    pub pinned: Option<Row>,
}

/// A line that is put together of pieces.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The pieces from left to right, each with the column it starts in.
    pub pieces: Vec<(u16, Shown, Role)>,
    /// What stands at the right end.
    pub right: Option<Shown>,
    /// The link that its pieces in the role of one belong to, as an index into the notice's links.
    pub link: Option<usize>,
    /// True if it is a rule all along.
    pub is_rule: bool,
}

impl Composed<'_> {
    /// How many lines the page has.
    pub fn total(&self) -> usize {
        self.head.len() + self.body.len() + self.tail.len()
    }
}

impl Row {
    fn of(text: Shown, role: Role) -> Row {
        Row {
            pieces: vec![(0, text, role)],
            ..Row::default()
        }
    }

    fn rule() -> Row {
        Row {
            is_rule: true,
            ..Row::default()
        }
    }

    fn add(&mut self, text: Shown, role: Role) {
        let end = self
            .pieces
            .last()
            .map_or(0, |(at, text, _)| at + columns(text));
        self.pieces.push((end, text, role));
    }

    fn labelled(label: &'static str, text: Shown) -> Row {
        let mut row = Row::of(Shown::from_static(label), Role::Muted);
        row.pieces.push((6, text, Role::Text));
        row
    }
}

/// The page in the reader, for the room it has.
pub fn page<'a>(model: &'a Model, page: &'a Page, panes: &Panes) -> Composed<'a> {
    let composer = Composer {
        model,
        list: &model.list,
        headline: model.list.headline(page.slot),
        page,
        notice: page.notice.as_deref(),
        shape: panes.shape,
        columns: panes.text().1,
    };
    composer.compose()
}

/// How many lines of the page are on the screen at once.
pub fn height(composed: &Composed, panes: &Panes) -> usize {
    let rows = panes.page.map_or(0, |area| area.rows);
    usize::from(rows.saturating_sub(u16::from(composed.pinned.is_some())))
}

struct Composer<'a> {
    model: &'a Model,
    list: &'a List,
    headline: &'a Headline,
    page: &'a Page,
    notice: Option<&'a Notice>,
    shape: Shape,
    columns: u16,
}

impl<'a> Composer<'a> {
    fn compose(&self) -> Composed<'a> {
        let mut tail = self.links();
        let files = self.files();
        let in_flow = matches!(self.shape, Shape::Beside | Shape::Narrow);
        let (files, pinned) = if in_flow {
            (files, None)
        } else {
            (None, files)
        };
        if let Some(files) = files {
            tail.extend([Row::default(), files]);
        }
        tail.extend(self.replies());
        Composed {
            head: self.head(),
            body: &self.page.lines,
            tail,
            pinned,
        }
    }

    fn head(&self) -> Vec<Row> {
        let mut head = self.title();
        if self.shape == Shape::Narrow {
            let date = self.headline.date;
            let clock = &self.model.clock;
            let sent = match clock.began {
                Some(_) => when::ago(date, clock.now),
                None if self.model.look.accessible => when::since(date, clock.now, &clock.zone),
                None => Shown::text(&format!(
                    "{} ({})",
                    when::since(date, clock.now, &clock.zone),
                    when::ago(date, clock.now)
                )),
            };
            let from = name(self.headline);
            head.push(Row::of(
                Shown::text(&format!("{from} · {sent}")),
                Role::Muted,
            ));
        } else {
            head.push(Row::labelled("From", self.from()));
            head.push(self.sent());
        }
        head.push(match self.model.look.accessible {
            true => Row::default(),
            false => Row::rule(),
        });
        head.extend(self.banners());
        head
    }

    /// The subject, over several lines if need be.
    fn title(&self) -> Vec<Row> {
        let subject = match self.notice {
            Some(notice) => &notice.subject,
            None => &self.headline.subject,
        };
        let (mark, indent): (&[&'static str], u16) = match (self.headline.important, self.shape) {
            (false, _) => (&[], 0),
            (true, Shape::Narrow) => (&["! "], 2),
            (true, _) => (&["! ", "IMPORTANT  "], 2),
        };
        let taken: usize = mark.iter().map(|mark| mark.len()).sum();
        let columns = usize::from(self.columns);
        let mut lines = wrap(
            subject,
            columns.saturating_sub(taken),
            columns.saturating_sub(usize::from(indent)),
        );
        leave_no_word_alone(&mut lines);
        let mut rows = Vec::new();
        for (place, line) in lines.into_iter().enumerate() {
            let line = Shown::text(&line);
            let mut row = Row::default();
            if place == 0 {
                for mark in mark {
                    row.add(Shown::from_static(mark), Role::Important);
                }
                row.add(line, Role::Bar);
            } else {
                row.pieces.push((indent, line, Role::Bar));
            }
            rows.push(row);
        }
        rows
    }

    fn from(&self) -> Shown {
        // Of a mail in the mail its own head says whom it is from.
        let notice = self.notice.filter(|_| self.page.way.is_empty());
        let sender = notice.and_then(|notice| notice.from.first());
        let sender = sender.unwrap_or(&self.headline.from);
        match (sender.name.is_empty(), sender.address.is_empty()) {
            (true, true) => Shown::from_static("(no sender)"),
            (true, false) | (false, _) => sender.full(),
        }
    }

    fn sent(&self) -> Row {
        let clock = &self.model.clock;
        let notice = self.notice.filter(|_| self.page.way.is_empty());
        let offset = notice.and_then(|notice| notice.offset);
        let written = match self.model.look.accessible {
            true => when::exact,
            false => when::long,
        };
        let date = written(self.headline.date, offset, clock.now, &clock.zone);
        let date = match self.headline.date_guessed {
            true => Shown::text(&format!("~{date}: when it arrived")),
            false => date,
        };
        let mut row = Row::labelled("Sent", date);
        let thread = self.list.thread(self.page.slot);
        if thread.len() > 1 && self.list.is_threaded() {
            let place = self.place(thread);
            let words = format!("{} of {} in thread", place + 1, thread.len());
            row.right = Some(Shown::text(&words));
        }
        row
    }

    fn banners(&self) -> Vec<Row> {
        let mut banners = Vec::new();
        let columns = usize::from(self.columns);
        let mut say = |words: &str, role| {
            let lines = wrap(words, columns, columns);
            banners.extend(lines.iter().map(|line| Row::of(Shown::text(line), role)));
        };
        if let Some(since) = self.headline.fate.withdrawn {
            let since = self.model.clock.since(since);
            say(
                &format!("No longer on the server since {since}. This is your saved copy."),
                Role::Warn,
            );
        }
        if let Some(replaced) = self.headline.fate.replaces {
            let clock = &self.model.clock;
            let sent = when::exact(replaced, None, clock.now, &clock.zone);
            say(
                &format!("Replaces the notice of {sent}, which was taken back."),
                Role::Muted,
            );
        }
        let clock = &self.model.clock;
        let key = self.model.keymap.key(Mode::Reader, Action::Compare);
        let shows = |what: &str| key.map_or_else(String::new, |key| format!(" {key} {what}"));
        if !self.page.way.is_empty() {
            let back = self.model.keymap.key(Mode::Reader, Action::Leave);
            let back = back.map_or_else(String::new, |key| format!(" {key} goes back."));
            say(&format!("A file of this notice.{back}"), Role::Accent);
        }
        if self.page.compared.is_some() {
            say(
                &format!(
                    "What has changed: - is gone, + is new.{}",
                    shows("shows the text again.")
                ),
                Role::Accent,
            );
        } else if let Some(compared) = self.list.predecessor(self.page.slot) {
            let (words, other, role) = match compared.older == self.headline.id {
                true => (
                    "A later notice stands in the place of this one",
                    compared.newer,
                    Role::Warn,
                ),
                false => (
                    "Stands in the place of an earlier notice",
                    compared.older,
                    Role::Muted,
                ),
            };
            let other = self
                .list
                .slot_of(other)
                .map(|slot| self.list.headline(slot).date);
            let sent = other.map(|date| when::exact(date, None, clock.now, &clock.zone));
            let sent = sent.map_or_else(String::new, |sent| format!(", sent {sent}"));
            say(
                &format!("{words}{sent}.{}", shows("shows what has changed.")),
                role,
            );
        }
        for fact in self.notice.iter().flat_map(|notice| &notice.facts) {
            let role = match fact.is_warning() {
                true => Role::Error,
                false => Role::Muted,
            };
            say(&fact.words(clock.now, &clock.zone), role);
        }
        if !banners.is_empty() {
            banners.push(Row::default());
        }
        if self.notice.is_none() && self.page.id.0 == 0 {
            banners.push(Row::of(
                Shown::from_static("Its text is still on its way."),
                Role::Muted,
            ));
        }
        banners
    }

    /// Where the numbers in the text lead.
    fn links(&self) -> Vec<Row> {
        let Some(notice) = self.notice.filter(|notice| !notice.links.is_empty()) else {
            return Vec::new();
        };
        let mut rows = vec![Row::default()];
        for (place, link) in notice.links.iter().enumerate() {
            let target = match self.shape {
                Shape::Narrow => Shown::text(link.short_target()),
                _ => link.target.clone(),
            };
            let number = format!("[{}] ", place + 1);
            let mut row = Row::of(Shown::text(&number), Role::Link);
            row.add(target, Role::Link);
            row.link = Some(place);
            rows.push(row);
            let indent = columns(&Shown::text(&number));
            let host = link
                .host
                .iter()
                .map(|host| (format!("({host})"), Role::Muted));
            let through = link.through.iter();
            let through = through.map(|host| (format!("(skips {host})"), Role::Muted));
            let leads_on = link.leads_on.iter();
            let leads_on = leads_on.map(|host| (format!("(leads on to {host})"), Role::Muted));
            let warning = link.warning.iter();
            let warning = warning.map(|warning| (format!("! {warning}"), Role::Error));
            for (words, role) in host.chain(through).chain(leads_on).chain(warning) {
                let mut row = Row::default();
                row.pieces.push((indent, Shown::text(&words), role));
                rows.push(row);
            }
        }
        rows
    }

    /// `Files  v  runbook.pdf  48 KB   ·   hosts.csv  24 B`
    fn files(&self) -> Option<Row> {
        let notice = self.notice.filter(|notice| !notice.files.is_empty())?;
        let mut row = Row::of(Shown::from_static("Files  "), Role::Muted);
        if let Some(key) = self.model.keymap.key(Mode::Reader, Action::Files) {
            row.add(Shown::text(&format!("{key}  ")), Role::Accent);
        }
        for (place, file) in notice.files.iter().enumerate() {
            if place > 0 {
                row.add(Shown::from_static("   ·   "), Role::Muted);
            }
            row.add(file.name.clone(), Role::Text);
            let size = format!("  {}", file.size_text());
            row.add(Shown::text(&size), Role::Muted);
        }
        Some(row)
    }

    /// What was answered, where there is room to say so.
    fn replies(&self) -> Vec<Row> {
        let thread = self.list.thread(self.page.slot);
        let replies = &thread[(self.place(thread) + 1).min(thread.len())..];
        if self.shape != Shape::Beside || replies.is_empty() || !self.list.is_threaded() {
            return Vec::new();
        }
        let mut rows = vec![Row::default()];
        let mut rule = Row::rule();
        rule.pieces
            .push((3, Shown::from_static(" replies "), Role::Muted));
        rows.push(rule);
        let headlines = replies.iter().map(|slot| self.list.headline(*slot));
        let names = headlines.clone().map(|headline| columns(&name(headline)));
        let widest = names.max().unwrap_or(0).min(WIDEST_NAME);
        for headline in headlines {
            let clock = &self.model.clock;
            let time = when::short(headline.date, clock.now, &clock.zone, when::Style::Smart);
            let mut row = Row::of(time, Role::Muted);
            let name = name(headline).cut_to(usize::from(widest));
            row.pieces.push((7, name, Role::Text));
            row.pieces
                .push((9 + widest, headline.preview.clone(), Role::Text));
            rows.push(row);
        }
        rows
    }

    fn place(&self, thread: &[Slot]) -> usize {
        let mut members = thread.iter();
        members
            .position(|slot| *slot == self.page.slot)
            .unwrap_or(0)
    }
}

/// The sender's name, or address, or that there is none.
pub fn name(headline: &Headline) -> Shown {
    let from = &headline.from;
    match (from.name.is_empty(), from.address.is_empty()) {
        (false, _) => from.name.clone(),
        (true, false) => from.address.clone(),
        (true, true) => Shown::from_static("(no sender)"),
    }
}

/// The text in lines, broken at spaces; the first may have another length than the others.
pub fn wrap(text: &str, first: usize, others: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut room = first.max(1);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word;
        loop {
            let line = lines.last_mut().expect("there is always a line");
            let used = text::width(line);
            let gap = usize::from(used > 0);
            if used + gap + text::width(word) <= room {
                line.extend([" "].repeat(gap));
                line.push_str(word);
                break;
            }
            if used == 0 {
                // A word longer than a line is cut where it must be.
                let part = text::head(word, room);
                let part = if part.is_empty() { word } else { part };
                line.push_str(part);
                word = &word[part.len()..];
                if word.is_empty() {
                    break;
                }
            }
            lines.push(String::new());
            room = others.max(1);
        }
    }
    lines
}

/// A last line of a single word takes the one before it along, if others stay behind.
fn leave_no_word_alone(lines: &mut [String]) {
    let [.., before, last] = lines else { return };
    let Some((rest, word)) = before.rsplit_once(' ') else {
        return;
    };
    let fits = text::width(word) + 1 + text::width(last) <= text::width(before);
    if !last.contains(' ') && rest.contains(' ') && fits {
        *last = format!("{word} {last}");
        *before = rest.to_owned();
    }
}

fn columns(text: &Shown) -> u16 {
    u16::try_from(text::width(text)).unwrap_or(u16::MAX)
}

/// Names in the list of replies are cut beyond these columns.
const WIDEST_NAME: u16 = 20;
