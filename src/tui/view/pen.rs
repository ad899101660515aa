//! The one way onto the screen: text that is safe to draw, in the colour of its role.
//!
//! A pen draws grapheme by grapheme and never beyond the columns it is given, so that wide,
//! right-to-left or combining text pushes nothing. It takes [`Shown`] and words of ours, no other.

use std::num::NonZeroU16;

use ratatui::{
    buffer::{Buffer, CellDiffOption},
    layout::{Position, Rect},
    style::{Modifier, Style},
};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::{
    notice::{shown::Shown, text},
    tui::{
        layout::Area,
        look::{Letters, Look},
        picture::Picture,
        size::Size,
        theme::Role,
    },
};

/// The one way onto the screen.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    look: &'a Look,
    size: Size,
    cursor: Option<Position>,
}

/// Text that may be drawn: foreign text made harmless, or words of ours.
pub trait Drawn {
    /// The text.
    fn drawn(&self) -> &str;
}

impl Drawn for Shown {
    fn drawn(&self) -> &str {
        self
    }
}

impl Drawn for &Shown {
    fn drawn(&self) -> &str {
        self
    }
}

impl Drawn for &'static str {
    fn drawn(&self) -> &str {
        self
    }
}

/// How text is drawn: a role, and what is added to its look.
#[derive(Clone, Copy, Debug)]
pub struct Ink {
    /// What the text means.
    pub role: Role,
    /// What is added.
    pub add: Modifier,
}

impl From<Role> for Ink {
    fn from(role: Role) -> Ink {
        Ink {
            role,
            add: Modifier::empty(),
        }
    }
}

impl<'a> Pen<'a> {
    /// A pen for a frame.
    pub fn new(buffer: &'a mut Buffer, look: &'a Look, size: Size) -> Pen<'a> {
        let size = Size {
            columns: size.columns.min(buffer.area.width),
            rows: size.rows.min(buffer.area.height),
        };
        Pen {
            buffer,
            look,
            size,
            cursor: None,
        }
    }

    /// Gives the whole screen the ground of the theme.
    pub fn clear(&mut self) {
        self.buffer.reset();
        let style = self.look.theme.style(Role::Text);
        self.buffer.set_style(self.buffer.area, style);
    }

    /// Draws a picture's rows from one on, as many as an area has.
    pub fn picture(&mut self, picture: &Picture, from: u16, area: Area) {
        let area = Rect::new(area.x, area.y, area.columns, area.rows);
        picture.draw(from, area.intersection(self.buffer.area), self.buffer);
    }

    /// Draws text into so many columns; what does not fit is left away. Returns the column after it.
    pub fn put(
        &mut self,
        x: u16,
        y: u16,
        columns: u16,
        text: impl Drawn,
        ink: impl Into<Ink>,
    ) -> u16 {
        self.write(x, y, columns, text.drawn(), ink.into())
    }

    /// Draws text into so many columns; if it does not fit, it ends in `…`.
    pub fn put_cut(
        &mut self,
        x: u16,
        y: u16,
        columns: u16,
        text: impl Drawn,
        ink: impl Into<Ink>,
    ) -> u16 {
        let ink = ink.into();
        let text = text.drawn();
        if self.columns(text) <= usize::from(columns) {
            return self.write(x, y, columns, text, ink);
        }
        let room = columns.saturating_sub(1);
        let end = self.write(x, y, room, text, ink);
        self.write(end, y, (x + columns).saturating_sub(end), "…", ink)
    }

    /// Draws text so that it ends before a column. Returns the column it starts in.
    pub fn put_end(&mut self, end: u16, y: u16, text: impl Drawn, ink: impl Into<Ink>) -> u16 {
        let text = text.drawn();
        let columns = u16::try_from(self.columns(text)).unwrap_or(u16::MAX);
        let start = end.saturating_sub(columns);
        self.write(start, y, end - start, text, ink.into());
        start
    }

    /// Draws a rule of so many columns.
    pub fn rule(&mut self, x: u16, y: u16, columns: u16) {
        if self.look.accessible {
            return;
        }
        for column in x..x.saturating_add(columns) {
            self.glyph(column, y, "─", Role::Rule);
        }
    }

    /// Draws one glyph of ours.
    pub fn glyph(&mut self, x: u16, y: u16, glyph: &'static str, role: Role) {
        self.write(x, y, 1, glyph, role.into());
    }

    /// Empties an area. A wide character that reaches into it from the left goes as a whole.
    pub fn wipe(&mut self, area: Area) {
        let style = self.look.theme.style(Role::Text);
        if let Some(x) = area.x.checked_sub(1) {
            let beside = Area {
                x,
                columns: 1,
                ..area
            };
            for (x, y) in self.cells(beside) {
                let cell = &mut self.buffer[(x, y)];
                if text::width(cell.symbol()) > 1 {
                    cell.set_symbol(" ");
                }
            }
        }
        for (x, y) in self.cells(area) {
            let cell = &mut self.buffer[(x, y)];
            cell.reset();
            cell.set_style(style);
        }
    }

    /// Gives an area the look of a role, whatever is drawn there. What was bold or underlined stays so.
    pub fn tint(&mut self, area: Area, role: Role) {
        let style = self.look.theme.style(role);
        for (x, y) in self.cells(area) {
            self.buffer[(x, y)].set_style(style);
        }
        // Reverse video shows one colour along the row, not that of every word.
        if style.add_modifier.contains(Modifier::REVERSED) {
            let plain = self.look.theme.style(Role::Text);
            for (x, y) in self.cells(area) {
                let cell = &mut self.buffer[(x, y)];
                cell.fg = plain.fg.unwrap_or_default();
                cell.modifier -= Modifier::DIM;
            }
        }
    }

    /// Draws a frame round an area, with a title above and hints below.
    pub fn border(&mut self, area: Area, title: impl Drawn, hints: impl Drawn) {
        self.wipe(area);
        if area.columns < 2 || area.rows < 2 {
            return;
        }
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        self.rule(area.x, area.y, area.columns);
        self.rule(area.x, bottom, area.columns);
        if !self.look.accessible {
            self.sides(area);
        }
        let room = area.columns.saturating_sub(4);
        let end = self.put_cut(area.x + 2, area.y, room, title, Role::Bar);
        if end > area.x + 2 {
            self.glyph(area.x + 1, area.y, " ", Role::Rule);
            self.write(end, area.y, 1, " ", Role::Rule.into());
        }
        let mut hints = hints.drawn();
        // Hints are dropped whole, how to close last.
        while !hints.is_empty() && self.columns(hints) + 4 > usize::from(area.columns) {
            hints = hints.split_once("  ").map_or("", |(_, rest)| rest);
        }
        if !hints.is_empty() {
            let columns = u16::try_from(self.columns(hints)).unwrap_or(u16::MAX);
            let start = right - 2 - columns;
            self.glyph(start - 1, bottom, " ", Role::Rule);
            self.write(start, bottom, columns, hints, Role::Muted.into());
            self.glyph(right - 2, bottom, " ", Role::Rule);
        }
    }

    /// Lets the terminal open a link where its text is drawn already (OSC 8). The target comes from
    /// [`crate::notice::links::Link::for_terminal`], which lets nothing through that could end the
    /// sequence.
    pub fn link(&mut self, area: Area, target: &str) {
        if !self.look.has_links {
            return;
        }
        for (x, y) in self.cells(area) {
            let cell = &mut self.buffer[(x, y)];
            let columns = u16::try_from(text::grapheme_width(cell.symbol())).unwrap_or(0);
            let Some(columns) = NonZeroU16::new(columns) else {
                continue;
            };
            let linked = format!("\x1b]8;;{target}\x1b\\{}\x1b]8;;\x1b\\", cell.symbol());
            cell.set_symbol(&linked);
            cell.set_diff_option(CellDiffOption::ForcedWidth(columns));
        }
    }

    fn sides(&mut self, area: Area) {
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for y in area.y..area.bottom() {
            self.glyph(area.x, y, "│", Role::Rule);
            self.glyph(right, y, "│", Role::Rule);
        }
        self.glyph(area.x, area.y, "┌", Role::Rule);
        self.glyph(right, area.y, "┐", Role::Rule);
        self.glyph(area.x, bottom, "└", Role::Rule);
        self.glyph(right, bottom, "┘", Role::Rule);
    }

    /// How many columns text takes on this screen.
    pub fn columns(&self, text: &str) -> usize {
        match self.look.wide {
            true => text.graphemes(true).map(|g| self.grapheme_columns(g)).sum(),
            false => text::width(text),
        }
    }

    /// Has the terminal's cursor at a place, for those who follow it.
    pub fn park(&mut self, x: u16, y: u16) {
        if x < self.size.columns && y < self.size.rows {
            self.cursor = Some(Position { x, y });
        }
    }

    /// Where the terminal's cursor is to be.
    pub fn cursor(&self) -> Option<Position> {
        self.cursor
    }

    /// Replaces what the terminal cannot show.
    pub fn finish(&mut self) {
        if self.look.letters == Letters::Unicode {
            return;
        }
        let all = self.look.letters == Letters::Ascii;
        for cell in &mut self.buffer.content {
            let plain = match cell.symbol() {
                symbol if symbol.is_ascii() => continue,
                symbol => plain(symbol),
            };
            match plain {
                Some(plain) => cell.set_symbol(plain),
                None if all => cell.set_symbol("?"),
                None => cell,
            };
        }
    }

    fn write(&mut self, x: u16, y: u16, columns: u16, text: &str, ink: Ink) -> u16 {
        if y >= self.size.rows {
            return x;
        }
        let style = self.look.theme.style(ink.role).add_modifier(ink.add);
        let end = x.saturating_add(columns).min(self.size.columns);
        let mut column = x;
        for grapheme in text.graphemes(true) {
            let taken = u16::try_from(self.grapheme_columns(grapheme)).unwrap_or(u16::MAX);
            if taken == 0 {
                continue;
            }
            if column.saturating_add(taken) > end {
                break;
            }
            self.cell(column, y, grapheme, style);
            for rest in column + 1..column + taken {
                self.cell(rest, y, " ", style);
                let behind = self.behind(grapheme);
                self.buffer[(rest, y)].set_diff_option(behind);
            }
            column += taken;
        }
        column
    }

    fn cell(&mut self, x: u16, y: u16, symbol: &str, style: Style) {
        let cell = &mut self.buffer[(x, y)];
        cell.reset();
        cell.set_symbol(symbol);
        cell.set_style(self.look.theme.style(Role::Text));
        cell.set_style(style);
    }

    /// The names of keys as they can be drawn: words for the arrows where `v` would be a letter.
    pub fn key_names(&self, keys: &Shown) -> Shown {
        const ARROWS: [(&str, &str); 5] = [
            ("↑↓", "Up/Down"),
            ("↓", "Down"),
            ("↑", "Up"),
            ("→", "Right"),
            ("←", "Left"),
        ];

        if self.look.letters == Letters::Unicode {
            return keys.clone();
        }
        let mut names = keys.to_string();
        for (arrow, name) in ARROWS {
            names = names.replace(arrow, name);
        }
        Shown::text(&names)
    }

    /// A cell behind a character that is wider than ratatui knows must not be written to.
    fn behind(&self, grapheme: &str) -> CellDiffOption {
        match self.look.wide && text::grapheme_width(grapheme) == 1 {
            true => CellDiffOption::Skip,
            false => CellDiffOption::None,
        }
    }

    fn grapheme_columns(&self, grapheme: &str) -> usize {
        match self.look.wide {
            true => grapheme
                .width_cjk()
                .max(text::grapheme_width(grapheme))
                .min(2),
            false => text::grapheme_width(grapheme),
        }
    }

    fn cells(&self, area: Area) -> impl Iterator<Item = (u16, u16)> + use<> {
        let columns = area.x..area.right().min(self.size.columns);
        let rows = area.y..area.bottom().min(self.size.rows);
        rows.flat_map(move |y| columns.clone().map(move |x| (x, y)))
    }
}

/// What stands for a glyph of ours where there is only ASCII.
fn plain(glyph: &str) -> Option<&'static str> {
    Some(match glyph {
        "●" => "*",
        "★" => "+",
        "─" => "-",
        "│" => "|",
        "┬" | "┴" | "┌" | "┐" | "└" | "┘" | "├" | "┤" => "+",
        "▲" | "↑" => "^",
        "↓" => "v",
        "→" => ">",
        "←" => "<",
        "·" => "-",
        "•" => "*",
        "…" => "~",
        "▸" => "+",
        _ => return None,
    })
}
