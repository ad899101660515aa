//! Where things stand on the screen, by its size. Both drawing and scrolling ask here.

use super::{
    model::{Focus, Model, Side, list::Filter},
    size::{LEAST, Size},
};

/// How much room there is, and how it is shared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// Below 30 x 8: one sentence.
    TooSmall,
    /// 30 to 59 columns: one pane, no rules, no sender column.
    Narrow,
    /// One pane.
    Single,
    /// List above, reader below.
    Stacked,
    /// List and reader side by side.
    Beside,
}

/// A rectangle of the screen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Area {
    /// Its left column.
    pub x: u16,
    /// Its upper row.
    pub y: u16,
    /// Its columns.
    pub columns: u16,
    /// Its rows.
    pub rows: u16,
}

impl Area {
    /// The row below the area.
    pub fn bottom(self) -> u16 {
        self.y + self.rows
    }

    /// The column right of the area.
    pub fn right(self) -> u16 {
        self.x + self.columns
    }

    /// True if the place is within.
    pub fn contains(self, column: u16, row: u16) -> bool {
        (self.x..self.right()).contains(&column) && (self.y..self.bottom()).contains(&row)
    }

    /// The area without so many rows at its upper end.
    pub fn below(self, rows: u16) -> Area {
        let rows = rows.min(self.rows);
        Area {
            y: self.y + rows,
            rows: self.rows - rows,
            ..self
        }
    }

    /// The area without so many rows at its lower end.
    pub fn above(self, rows: u16) -> Area {
        Area {
            rows: self.rows.saturating_sub(rows),
            ..self
        }
    }
}

/// Where things stand on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panes {
    /// How the room is shared.
    pub shape: Shape,
    /// All between header and status.
    pub content: Area,
    /// The list, its title included.
    pub list: Option<Area>,
    /// The rows of the list.
    pub rows: Area,
    /// The column of the divider between list and reader.
    pub divider: Option<u16>,
    /// The row of the rule between list and reader.
    pub between: Option<u16>,
    /// The reader.
    pub page: Option<Area>,
    /// The rule above the status line.
    pub bottom_rule: Option<u16>,
    /// The demo's own rows above the list.
    pub stage: Option<Area>,
    /// All readers' lists side by side, in a demo with room for them.
    pub readers: Option<Area>,
    /// The demo's own rows below the list.
    pub ledger: Option<Area>,
    /// What is said below the list while the first check runs.
    pub first_check: Option<Area>,
    /// The status line.
    pub status: u16,
    /// The line of hints.
    pub hints: u16,
}

impl Panes {
    /// Where things stand at present.
    pub fn of(model: &Model) -> Panes {
        let size = model.size;
        let shape = shape(model);
        let upper = if shape == Shape::Narrow { 1 } else { 2 };
        let lower = if shape == Shape::Beside { 3 } else { 2 };
        let content = Area {
            x: 0,
            y: upper,
            columns: size.columns,
            rows: size.rows.saturating_sub(upper + lower),
        };
        let mut panes = Panes {
            shape,
            content,
            list: None,
            rows: Area::default(),
            divider: None,
            between: None,
            page: None,
            bottom_rule: (shape == Shape::Beside).then(|| size.rows.saturating_sub(3)),
            stage: None,
            readers: None,
            ledger: None,
            first_check: None,
            status: size.rows.saturating_sub(2),
            hints: size.rows.saturating_sub(1),
        };
        panes.share(model);
        panes
    }

    /// The columns that the reader's text may take, and the rows that a picture may.
    pub fn room(&self) -> (u16, u16) {
        let rows = self.page.map_or(0, |area| area.rows);
        (self.text().1, rows.saturating_sub(ABOVE_PICTURE))
    }

    /// The column that the reader's text starts in, and the columns it may take.
    pub fn text(&self) -> (u16, u16) {
        let (left, right) = match self.shape {
            Shape::Beside => (2, 3),
            Shape::Single | Shape::Stacked => (3, 3),
            Shape::TooSmall | Shape::Narrow => (0, 0),
        };
        let area = self.page.unwrap_or(self.content);
        let columns = area.columns.saturating_sub(left + right);
        (area.x + left, columns.clamp(1, WIDEST_TEXT))
    }

    fn share(&mut self, model: &Model) {
        let content = self.content;
        match self.shape {
            Shape::TooSmall => {}
            Shape::Narrow | Shape::Single => {
                self.list = Some(match model.demo {
                    Some(_) => self.set_the_stage(content),
                    None => content,
                });
            }
            Shape::Stacked => {
                let rows = (content.rows * 2 / 5).max(6);
                self.list = Some(Area { rows, ..content });
                self.between = Some(content.y + rows);
                self.page = Some(content.below(rows + 1));
            }
            Shape::Beside => {
                let columns = (content.columns * 45 / 100).clamp(48, 72);
                self.list = Some(Area { columns, ..content });
                self.divider = Some(columns);
                self.page = Some(Area {
                    x: columns + 1,
                    columns: content.columns - columns - 1,
                    ..content
                });
            }
        }
        let teammates = model.demo.as_ref().map_or(0, |demo| demo.teammates.len());
        if let (Some(list), true) = (&mut self.list, content.columns >= 120 && teammates > 0) {
            self.readers = Some(*list);
            let readers = u16::try_from(teammates + 1).unwrap_or(u16::MAX);
            list.columns = columns_each(list.columns, readers);
        }
        if let Some(list) = self.list {
            self.rows = list.below(self.title_rows(model));
            if model.is_first_check() && self.rows.rows >= 12 {
                self.rows = self.rows.above(FIRST_CHECK_ROWS);
                self.first_check = Some(Area {
                    y: self.rows.bottom(),
                    rows: FIRST_CHECK_ROWS,
                    ..self.rows
                });
            }
        }
        let is_alone = matches!(self.shape, Shape::Narrow | Shape::Single);
        if is_alone && model.focus == Focus::Page {
            self.turn_the_page();
        }
    }

    /// The reader takes the list's place. The list's rows are still known: they are gone back to.
    fn turn_the_page(&mut self) {
        self.page = Some(self.content);
        self.list = None;
        self.stage = None;
        self.ledger = None;
        self.readers = None;
        self.first_check = None;
    }

    /// Rows above the list's own: its title, and what a search has to say.
    fn title_rows(&self, model: &Model) -> u16 {
        let search = model.search.as_ref();
        let is_typing = search.is_some_and(|search| search.editing);
        // Where there is little room, the title says only what is out of the ordinary.
        let is_told = search.is_some() || model.list.filter() != Filter::All;
        match self.shape {
            _ if model.look.accessible => 1,
            Shape::Narrow => u16::from(is_told),
            _ if is_typing => 3,
            _ if model.demo.is_some() => u16::from(is_told),
            Shape::Beside => 2,
            Shape::TooSmall | Shape::Single | Shape::Stacked => 1,
        }
    }

    /// The demo's teammates above the list, and its ledger below, as far as there is room.
    fn set_the_stage(&mut self, content: Area) -> Area {
        let mut content = content;
        if self.shape == Shape::Single && content.rows >= 8 {
            self.stage = Some(Area { rows: 3, ..content });
            content = content.below(3);
        }
        let ledger = match content.rows {
            0..7 => 0,
            7..15 => 3,
            _ => 6,
        };
        if ledger > 0 {
            content = content.above(ledger);
            self.ledger = Some(Area {
                y: content.bottom(),
                rows: ledger,
                ..content
            });
        }
        content
    }
}

impl Model {
    /// The number of rows that the list shows.
    pub fn list_height(&self) -> usize {
        usize::from(Panes::of(self).rows.rows)
    }

    /// True if list and reader are on the screen together.
    pub fn shows_both(&self) -> bool {
        matches!(Panes::of(self).shape, Shape::Beside | Shape::Stacked)
    }
}

fn shape(model: &Model) -> Shape {
    let Size { columns, rows } = model.size;
    match () {
        () if columns < LEAST.columns || rows < LEAST.rows => Shape::TooSmall,
        () if columns < 60 => Shape::Narrow,
        () if model.look.accessible || model.demo.is_some() => Shape::Single,
        () if columns >= 120 && rows >= 20 => match model.side {
            Side::Right => Shape::Beside,
            Side::Below => Shape::Stacked,
            Side::Off => Shape::Single,
        },
        () if rows >= 40 && model.side != Side::Off => Shape::Stacked,
        () => Shape::Single,
    }
}

/// The columns of each of so many readers, with a divider between them.
pub fn columns_each(columns: u16, readers: u16) -> u16 {
    columns.saturating_sub(readers.saturating_sub(1)) / readers.max(1)
}

/// A blank row, two lines of words, a blank row.
const FIRST_CHECK_ROWS: u16 = 4;

/// Lines of more columns are hard to read.
const WIDEST_TEXT: u16 = 96;

/// What stands above a picture on its page, and the words below it.
const ABOVE_PICTURE: u16 = 8;
