//! The list: its title, and the rows of it that are on the screen.
//!
//! ```text
//! >!●    12:10 Priya N    Build cluster maintenance t… 3
//! ^^^^ ^^^^^^^ ^^^^^^^^^^ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ ^^
//! ||||  time     sender           subject              how many in the thread, or files
//! |||+- star, or w for withdrawn
//! ||+-- unread
//! |+--- important
//! +---- selected
//! ```

use ratatui::style::Modifier;

use crate::{
    config::Colour,
    notice::{Headline, letter, shown::Shown, text, thread::Slot, when},
    tui::{
        layout::{Area, Panes},
        look::{Clock, Look},
        model::{
            Model,
            list::{Branch, List, Row},
        },
        theme::Role,
    },
};

use super::{
    pen::{Ink, Pen},
    spoken, status,
};

mod title;
mod vacant;

/// Draws the list, or why there is nothing in it.
pub fn draw(model: &Model, area: Area, panes: &Panes, pen: &mut Pen) {
    title::draw(model, area, panes, pen);
    if model.list.rows().is_empty() {
        return vacant::draw(model, area, panes.rows, pen);
    }
    let words = match &model.search {
        Some(search) => &search.words[..],
        None => &[],
    };
    let y = rows(model, &model.list, words, panes.rows, pen);
    if let Some(search) = model.search.as_ref().filter(|search| search.editing) {
        let below = Area {
            y: y + 2,
            rows: 1,
            ..panes.rows
        };
        vacant::below_matches(model, search, below, pen);
    }
    if let Some(area) = panes.first_check {
        status::first_check(area, pen);
    }
}

/// Draws the rows of a list that are on the screen. Returns the row below them.
pub fn rows(model: &Model, list: &List, words: &[String], area: Area, pen: &mut Pen) -> u16 {
    let visible = list.rows().iter().enumerate().skip(list.top());
    let mut below = area.y;
    for (y, (place, row)) in (area.y..area.bottom()).zip(visible) {
        let line = Area { y, rows: 1, ..area };
        match row {
            Row::Since => since(model, line, pen),
            Row::List(_) => of_list(model, list, place, line, pen),
            Row::Notice { slot, branch } => {
                let drawn = Drawn {
                    is_selected: list.selected() == Some(place),
                    is_fresh: model.demo.is_some() && list.fresh.contains(slot),
                    words,
                    ..Drawn::of(list, *slot, *branch)
                };
                notice(&drawn, &model.look, &model.clock, line, pen);
            }
        }
        below = y + 1;
    }
    below
}

/// A headline, with all that its row says of it.
struct Drawn<'a> {
    /// The headline.
    headline: &'a Headline,
    /// Its place in its thread.
    branch: Branch,
    /// True if the cursor is on it.
    is_selected: bool,
    /// True if it is there only until the filter is applied again.
    is_stale: bool,
    /// True if it is still to be read, or one that is folded away below it.
    is_unread: bool,
    /// True if it does not hold any more: it has expired, or another stands in its place.
    is_over: bool,
    /// The colour that a rule gives it.
    colour: Option<Colour>,
    /// True if it just arrived, in the demo.
    is_fresh: bool,
    /// The words that were searched for.
    words: &'a [String],
}

impl<'a> Drawn<'a> {
    fn of(list: &'a List, slot: Slot, branch: Branch) -> Drawn<'a> {
        let thread = match branch {
            Branch::Folded(_) => list.thread(slot),
            Branch::Root(_) | Branch::Middle(_) | Branch::Last(_) => &[],
        };
        Drawn {
            headline: list.headline(slot),
            branch,
            is_selected: false,
            is_stale: list.is_stale(slot),
            is_unread: list.is_unread(slot) || thread.iter().any(|slot| list.is_unread(*slot)),
            is_over: list.is_over(slot),
            colour: list.colours.get(&list.headline(slot).id).copied(),
            is_fresh: false,
            words: &[],
        }
    }

    fn ink(&self) -> Ink {
        let role = self.role();
        let Some(colour) = self.colour.filter(|_| role != Role::Muted) else {
            return role.into();
        };
        Ink {
            role: match colour {
                Colour::Muted => Role::Muted,
                Colour::Accent => Role::Accent,
                Colour::Important => Role::Important,
                Colour::Ok => Role::Ok,
                Colour::Warn => Role::Warn,
                Colour::Error => Role::Error,
            },
            add: match self.is_unread {
                true => Modifier::BOLD,
                false => Modifier::empty(),
            },
        }
    }

    fn role(&self) -> Role {
        let is_faint = self.is_stale || self.is_over;
        match (is_faint, self.headline.important, self.is_unread) {
            (true, _, _) => Role::Muted,
            (false, true, true) => Role::Important,
            (false, false, true) => Role::Unread,
            (false, _, false) => Role::Text,
        }
    }

    /// A reply is told by its own first line, not by "Re: …" again.
    fn subject(&self) -> &Shown {
        let is_reply = matches!(self.branch, Branch::Middle(_) | Branch::Last(_));
        match is_reply && !self.headline.preview.is_empty() {
            true => &self.headline.preview,
            false => &self.headline.subject,
        }
    }

    /// What stands at the right end: `withdrawn`, `replaces 5 Nov`, `@2`, `3`.
    fn end(&self, look: &Look, clock: &Clock) -> Option<(Shown, Role)> {
        let headline = self.headline;
        if let (None, Some(replaced)) = (headline.fate.withdrawn, headline.fate.replaces) {
            let when = when::short(replaced, clock.now, &clock.zone, look.time);
            let words = format!("replaces {}", when.trim());
            return Some((Shown::text(&words), Role::Muted));
        }
        let (words, role) = match self.branch {
            _ if headline.fate.withdrawn.is_some() => ("withdrawn".to_owned(), Role::Muted),
            _ if headline.fate.replaced_by.is_some() => ("replaced".to_owned(), Role::Muted),
            _ if headline.is_expired(clock.now) => ("expired".to_owned(), Role::Muted),
            Branch::Folded(count) => (format!("+{count}"), Role::Accent),
            Branch::Root(count) if count > 1 => (count.to_string(), Role::Muted),
            _ if headline.files > 0 => (format!("@{}", headline.files), Role::Muted),
            _ => return None,
        };
        Some((Shown::text(&words), role))
    }
}

/// Draws a notice's row.
fn notice(drawn: &Drawn, look: &Look, clock: &Clock, line: Area, pen: &mut Pen) {
    if look.accessible {
        return spoken::row(
            drawn.headline,
            drawn.branch,
            drawn.is_selected,
            clock,
            line,
            pen,
        );
    }
    let y = line.y;
    marks(drawn, line, pen);
    if line.columns < WITHOUT_SENDER {
        narrow(drawn, look, clock, line, pen);
    } else {
        let time_columns = u16::try_from(look.time.columns()).unwrap_or(7);
        let time = time(drawn.headline, look, clock);
        let end = line.x + 5 + time_columns;
        let start = pen.put_end(end, y, &time, Role::Muted);
        if drawn.headline.date_guessed {
            pen.glyph(start.saturating_sub(1), y, "~", Role::Muted);
        }
        let x = end + 1;
        let sender_columns = match line.columns < NARROW_SENDER {
            true => 10,
            false => 12,
        };
        sender(drawn, x, y, sender_columns, pen);
        let x = x + sender_columns + 1;
        let end = right_end(drawn, look, clock, line, pen);
        subject(drawn, x, y, end.saturating_sub(x), pen);
    }
    if drawn.is_selected {
        pen.tint(line, Role::Selection);
        pen.park(line.x, y);
    }
}

/// ` !●★`: what the notice is, a column each.
fn marks(drawn: &Drawn, line: Area, pen: &mut Pen) {
    let Area { x, y, .. } = line;
    let marks = drawn.headline.marks;
    if drawn.is_selected {
        pen.glyph(x, y, ">", Role::Accent);
    }
    if drawn.headline.important {
        pen.glyph(x + 1, y, "!", Role::Important);
    }
    if drawn.is_unread {
        pen.glyph(x + 2, y, "●", Role::Accent);
    }
    match (marks.starred, drawn.headline.fate.withdrawn) {
        (true, _) => pen.glyph(x + 3, y, "★", Role::Warn),
        (false, Some(_)) => pen.glyph(x + 3, y, "w", Role::Muted),
        (false, None) => {}
    }
}

/// `>!●  Build cluster maintenance to… 12:10`
fn narrow(drawn: &Drawn, look: &Look, clock: &Clock, line: Area, pen: &mut Pen) {
    let time = time(drawn.headline, look, clock);
    let right = line.right();
    let mut start = pen.put_end(right, line.y, &time, Role::Muted);
    if drawn.headline.date_guessed {
        start = start.saturating_sub(1);
        pen.glyph(start, line.y, "~", Role::Muted);
    }
    let x = line.x + 5;
    subject(
        drawn,
        x,
        line.y,
        start.saturating_sub(1).saturating_sub(x),
        pen,
    );
}

fn time(headline: &Headline, look: &Look, clock: &Clock) -> Shown {
    when::short(headline.date, clock.now, &clock.zone, look.time)
}

/// `Priya N`, with the thread's tree before it.
fn sender(drawn: &Drawn, x: u16, y: u16, columns: u16, pen: &mut Pen) {
    let end = x + columns;
    let x = match drawn.branch {
        Branch::Middle(depth) => pen.put(x + indent(depth), y, columns, "├ ", Role::Rule),
        Branch::Last(depth) => pen.put(x + indent(depth), y, columns, "└ ", Role::Rule),
        Branch::Root(_) | Branch::Folded(_) => x,
    };
    pen.put_cut(
        x,
        y,
        end - x,
        super::sender::short_name(drawn.headline),
        drawn.ink(),
    );
}

/// How far an answer to an answer stands to the right: deeper than this its depth is not told.
fn indent(depth: u8) -> u16 {
    u16::from(depth.clamp(1, DEEPEST) - 1)
}

/// Draws what stands at the right end. Returns the column that the subject must end before.
fn right_end(drawn: &Drawn, look: &Look, clock: &Clock, line: Area, pen: &mut Pen) -> u16 {
    let end = line.right();
    match drawn.end(look, clock) {
        Some((words, role)) => pen.put_end(end, line.y, &words, role).saturating_sub(1),
        None => end,
    }
}

fn subject(drawn: &Drawn, x: u16, y: u16, columns: u16, pen: &mut Pen) {
    let subject = Shown::text(&text::reduce_emoji(drawn.subject()));
    let end = pen.put_cut(x, y, columns, &subject, drawn.ink());
    underline(&subject, drawn.words, x, y, columns, drawn.ink().role, pen);
    if drawn.is_fresh && end + 7 <= x + columns {
        pen.put(end, y, 7, " <- new", Role::Accent);
    }
}

/// Underlines what was searched for, where it stands in a line that is drawn already.
pub fn underline(
    line: &Shown,
    words: &[String],
    x: u16,
    y: u16,
    columns: u16,
    role: Role,
    pen: &mut Pen,
) {
    for (start, end) in matches(line, words) {
        let before = u16::try_from(pen.columns(&line[..start])).unwrap_or(u16::MAX);
        let ink = Ink {
            role,
            add: Modifier::UNDERLINED,
        };
        // The `…` at the end of what was cut stays.
        let room = columns.saturating_sub(before + 1);
        pen.put(
            x.saturating_add(before),
            y,
            room,
            Shown::text(&line[start..end]),
            ink,
        );
    }
}

/// Where the words stand in a text, whatever their case and accents, as byte ranges.
fn matches(text: &str, words: &[String]) -> Vec<(usize, usize)> {
    if words.is_empty() {
        return Vec::new();
    }
    let folded: Vec<(usize, char)> = text
        .char_indices()
        .filter_map(|(place, c)| Some((place, letter::searched(c)?)))
        .collect();
    let mut found = Vec::new();
    for word in words {
        let word: Vec<char> = letter::all_searched(word).chars().collect();
        if word.is_empty() {
            continue;
        }
        for (place, window) in folded.windows(word.len()).enumerate() {
            if window.iter().map(|(_, c)| c).eq(&word) {
                let end = folded
                    .get(place + word.len())
                    .map_or(text.len(), |(end, _)| *end);
                found.push((window[0].0, end));
            }
        }
    }
    found
}

/// `   ────── new since Sun 18:10 ─────`
fn since(model: &Model, line: Area, pen: &mut Pen) {
    let Some(visit) = model.list.last_visit else {
        return;
    };
    let words = format!(" new since {} ", model.clock.since(visit));
    rule(&words, Role::Muted, model, line, pen);
}

/// `   ────── Build announcements, 3 unread ─────`
fn of_list(model: &Model, list: &List, row: usize, line: Area, pen: &mut Pen) {
    let Some((name, unread)) = list.group(row) else {
        return;
    };
    let name = match name.is_empty() {
        true => "through no list",
        false => name.as_str(),
    };
    let words = match unread {
        0 => format!(" {name} "),
        unread => format!(" {name}, {unread} unread "),
    };
    rule(&words, Role::Accent, model, line, pen);
}

fn rule(words: &str, role: Role, model: &Model, line: Area, pen: &mut Pen) {
    if model.look.accessible {
        let words = Shown::text(words.trim());
        pen.put(line.x, line.y, line.columns, words, role);
        return;
    }
    pen.rule(line.x + 3, line.y, line.columns.saturating_sub(3));
    let room = line.columns.saturating_sub(10);
    pen.put_cut(line.x + 9, line.y, room, Shown::text(words), role);
}

/// How deep answers are told apart.
const DEEPEST: u8 = 4;

/// A list of fewer columns than this shows no sender.
const WITHOUT_SENDER: u16 = 48;

/// A list of fewer columns than this has a narrow column for the sender.
const NARROW_SENDER: u16 = 60;

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn words_are_found_whatever_their_case_and_accents() {
        let found = |text: &str, word: &str| -> Vec<String> {
            let places = matches(text, &[word.to_owned()]);
            places
                .into_iter()
                .map(|(start, end)| text[start..end].to_owned())
                .collect()
        };

        assert_eq!(
            found("Im Café, im CAFE\u{301}.", "cafe"),
            ["Café", "CAFE\u{301}"]
        );
        assert_eq!(found("cafe", "Café"), ["cafe"]);
        assert_eq!(found("Nhà hàng Việt", "viet"), ["Việt"]);
        assert_eq!(found("공지사항 공지", "공지"), ["공지", "공지"]);
        assert_eq!(found("각자", "가"), [""; 0]);
        assert_eq!(found("ประกาศเรื่องน้ำ", "น้ำ"), ["น้ำ"]);
    }
}
