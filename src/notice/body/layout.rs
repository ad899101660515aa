//! Blocks to lines, for a width.

use std::collections::HashSet;

use super::{Block, Content, Options, Table, wrap};
use crate::notice::{Line, Notice, Run, Style, links::Link, shown::Shown, text};

/// Wider than any line that is not a flood.
const UNWRAPPED: u16 = 10_000;

impl Notice {
    /// Returns the text as plain text, its paragraphs not wrapped: for copying, piping and JSON.
    pub fn text(&self) -> String {
        let options = Options {
            link_list: false,
            ..Options::default()
        };
        let mut text = String::new();
        for line in self.lines(UNWRAPPED, options) {
            let start = text.len();
            for run in &line.runs {
                text.push_str(&run.text);
            }
            text.truncate(start + text[start..].trim_end().len());
            text.push('\n');
        }
        text
    }

    /// True if anything in it is quoted.
    pub fn has_quotations(&self) -> bool {
        self.blocks.iter().any(|block| block.quote > 0)
    }

    /// Lays the text out for a width: its blocks, what was cut, and the list of its links. No line
    /// is wider than `width` columns, unless that is less than two.
    pub fn lines(&self, width: u16, options: Options) -> Vec<Line> {
        let mut page = Page {
            width: usize::from(width),
            options,
            lines: Vec::new(),
            gap: None,
        };
        match options.folds_quotes {
            true => page.folded(&self.blocks),
            false => self.blocks.iter().for_each(|block| page.block(block)),
        }
        if self.blocks.is_empty() && self.cuts.is_empty() {
            page.block(&Block::prose(Shown::from_static("(no text)"), Style::Muted));
        }
        self.say_cuts(&mut page);
        if options.link_list {
            self.list_links(&mut page);
        }
        page.lines
    }

    fn say_cuts(&self, page: &mut Page) {
        if !self.cuts.is_empty() {
            page.block(&Block::gap());
        }
        self.cuts
            .iter()
            .for_each(|cut| page.block(&Block::prose(cut.clone(), Style::Muted)));
    }

    fn list_links(&self, page: &mut Page) {
        // An address that stands in the text as it is mostly has no number there.
        let is_its_own = |link: &Link| {
            let address = link.target.strip_prefix("mailto:");
            link.warning.is_none() && address == Some(link.label.as_str())
        };
        let runs = self.blocks.iter().flat_map(|block| block.content.runs());
        let numbered: HashSet<usize> = match self.links.iter().any(is_its_own) {
            true => runs.filter_map(number_of).collect(),
            false => HashSet::new(),
        };
        let links = self.links.iter().enumerate();
        let listed = links.filter(|(index, link)| !is_its_own(link) || numbered.contains(index));
        let mut listed = listed.peekable();
        if listed.peek().is_some() {
            page.block(&Block::gap());
        }
        for (index, link) in listed {
            let link_run = |text: &str| Run {
                text: Shown::line(text),
                style: Style::Link,
                link: Some(index),
            };
            // Two rows tell where it leads; the overlay of links has it whole.
            let room = (2 * page.width).saturating_sub(LINK_MARGIN).max(page.width);
            let mut runs = vec![match page.options.whole_links {
                true => link_run(&link.target),
                false => link_run(&text::cut_to(&link.target, room)),
            }];
            let remarks = link
                .host
                .iter()
                .map(|host| host.to_string())
                .chain(link.through.iter().map(|host| format!("skips {host}")))
                .chain(
                    link.leads_on
                        .iter()
                        .map(|host| format!("leads on to {host}")),
                )
                .chain(link.warning.iter().map(|warning| format!("! {warning}")));
            runs.extend(remarks.map(|remark| Run {
                text: Shown::text(&format!(" ({remark})")),
                style: Style::Muted,
                link: None,
            }));
            let marker = Some(Shown::line(&format!("[{}]", index + 1)));
            page.block(&Block::new(Content::Prose { marker, runs }));
        }
    }
}

/// The link that a run is the number of.
fn number_of(run: &Run) -> Option<usize> {
    let text = run.text.trim();
    let link = run.link.filter(|_| text.starts_with('['))?;
    (text == format!("[{}]", link + 1)).then_some(link)
}

/// The lines so far.
struct Page {
    width: usize,
    options: Options,
    lines: Vec<Line>,
    /// An empty row is due before the next line, as deep quoted as the block before it.
    gap: Option<u8>,
}

impl Page {
    /// Of a long quotation there is one line. One that has nothing behind it is long sooner: it is there
    /// only for those who have lost the mail that was answered.
    fn folded(&mut self, blocks: &[Block]) {
        let own = |block: &Block| block.quote == 0 && block.content != Content::Gap;
        // A mail that is nothing else is shown.
        let has_own = blocks
            .iter()
            .any(|block| own(block) && !is_signature(block));
        let last_own = blocks
            .iter()
            .rposition(|block| own(block) && !is_signature(block));
        let mut rest = blocks;
        let mut place = 0;
        while let Some(first) = rest.first() {
            let is_quoted = first.quote > 0;
            let size = match is_quoted {
                true => rest.iter().position(own).unwrap_or(rest.len()),
                false => 1,
            };
            let (group, behind) = rest.split_at(size);
            let most = match last_own.is_some_and(|last| last > place) {
                true => LONG_BETWEEN,
                false => LONG_BEHIND,
            };
            let is_passed_on = || {
                let mut before = blocks[..place].iter().rev();
                // Some say it above the mail, others within its mark.
                let mut within = group.iter();
                before.find(|block| own(block)).is_some_and(passes_on)
                    || within
                        .find(|block| block.content != Content::Gap)
                        .is_some_and(passes_on)
            };
            if is_quoted && has_own && !is_passed_on() {
                self.quotation(group, most);
            } else {
                group.iter().for_each(|block| self.block(block));
            }
            place += size;
            rest = behind;
        }
    }

    fn quotation(&mut self, group: &[Block], most: usize) {
        let start = self.lines.len();
        let gap = self.gap;
        group.iter().for_each(|block| self.block(block));
        let count = self.lines.len() - start;
        if count <= most {
            return;
        }
        self.lines.truncate(start);
        self.gap = None;
        if gap.is_some() && start > 0 {
            self.lines.push(Line { runs: Vec::new() });
        }
        let marker = if self.options.ascii { "+" } else { "▸" };
        self.lines.push(Line {
            runs: vec![muted(&format!("{marker} {count} quoted lines"))],
        });
        self.gap = Some(0);
    }

    fn block(&mut self, block: &Block) {
        let quote = usize::from(block.quote).min(self.width / 4).min(QUOTE_BARS);
        let room = self.width.saturating_sub(2 * quote);
        // A wide character must still fit behind it.
        let indent = usize::from(block.indent)
            .min(room / 2)
            .min(room.saturating_sub(2));
        let room = room - indent;
        if block.content == Content::Gap {
            let depth = self.gap.unwrap_or(block.quote).min(block.quote);
            self.gap = (!self.lines.is_empty()).then_some(depth);
            return;
        }
        if let Some(depth) = self.gap.take() {
            let depth = usize::from(depth.min(block.quote)).min(QUOTE_BARS);
            let bars = if depth == 0 {
                Vec::new()
            } else {
                vec![quote_bars(depth, true)]
            };
            self.lines.push(Line { runs: bars });
        }
        let rows = match &block.content {
            Content::Fixed(lines) => lines
                .iter()
                .flat_map(|line| wrap::columns(line, room))
                .collect(),
            Content::Prose { marker, runs } => self.prose(marker.as_ref(), runs, room),
            Content::Rule => vec![vec![muted(&self.rule().repeat(room.min(RULE_COLUMNS)))]],
            Content::Table(table) => table_rows(table, room),
            Content::Gap => Vec::new(),
        };
        for row in rows {
            self.row(row, quote, indent);
        }
    }

    fn row(&mut self, row: Vec<Run>, quote: usize, indent: usize) {
        let mut runs = Vec::with_capacity(row.len() + 2);
        if quote > 0 {
            runs.push(quote_bars(quote, row.is_empty()));
        }
        if indent > 0 && !row.is_empty() {
            runs.push(plain(&" ".repeat(indent)));
        }
        runs.extend(row.into_iter().map(|run| match run.style {
            Style::Text if quote > 0 => Run {
                style: Style::Quote,
                ..run
            },
            _ => run,
        }));
        self.lines.push(Line { runs });
    }

    fn prose(&self, marker: Option<&Shown>, runs: &[Run], room: usize) -> Vec<Vec<Run>> {
        let Some(marker) = marker else {
            return wrap::words(runs, room);
        };
        let marker = match self.options.ascii && !marker.is_ascii() {
            true => Shown::from_static("*"),
            false => marker.clone(),
        };
        let hang = marker.width() + 1;
        if hang + 4 > room {
            return wrap::words(&[&[plain(&format!("{marker} "))], runs].concat(), room);
        }
        let rows = wrap::words(runs, room - hang).into_iter().enumerate();
        let lead = |index| {
            if index == 0 {
                plain(&text::pad_end(&marker, hang))
            } else {
                plain(&" ".repeat(hang))
            }
        };
        rows.map(|(index, row)| {
            if row.is_empty() && index > 0 {
                row
            } else {
                [vec![lead(index)], row].concat()
            }
        })
        .collect()
    }

    fn rule(&self) -> &'static str {
        if self.options.ascii { "-" } else { "─" }
    }
}

/// Draws a table in columns, narrower ones if it must be; if even that is too wide, each row becomes
/// a list of `name: value`.
fn table_rows(table: &Table, room: usize) -> Vec<Vec<Run>> {
    let count = table.rows.iter().map(Vec::len).max().unwrap_or_default();
    let natural: Vec<usize> = (0..count)
        .map(|column| column_width(table, column))
        .collect();
    match fitted(&natural, room) {
        Some(widths) => aligned_rows(table, &widths),
        None => labelled_rows(table, room),
    }
}

fn column_width(table: &Table, column: usize) -> usize {
    let cells = table.rows.iter().filter_map(|row| row.get(column));
    let lines = cells.flat_map(|cell| wrap::words(cell, usize::MAX));
    lines
        .map(|line| wrap::width(&line))
        .max()
        .unwrap_or_default()
        .max(1)
}

/// Returns the widths of the columns if they fit; the widest give way first, down to a least width.
fn fitted(natural: &[usize], room: usize) -> Option<Vec<usize>> {
    let gaps = COLUMN_GAP * natural.len().saturating_sub(1);
    let space = room.checked_sub(gaps)?;
    let mut widths = natural.to_vec();
    let mut over = widths.iter().sum::<usize>().saturating_sub(space);
    while over > 0 {
        let widest = widths
            .iter()
            .copied()
            .max()
            .filter(|&width| width > COLUMN_LEAST)?;
        let below = widths
            .iter()
            .copied()
            .filter(|&width| width < widest)
            .max()
            .unwrap_or(0)
            .max(COLUMN_LEAST);
        let tied = widths.iter().filter(|&&width| width == widest).count();
        let step = (widest - below).min(over.div_ceil(tied)).max(1);
        for width in widths.iter_mut().filter(|width| **width == widest) {
            let less = step.min(over);
            *width -= less;
            over -= less;
        }
    }
    Some(widths)
}

fn aligned_rows(table: &Table, widths: &[usize]) -> Vec<Vec<Run>> {
    let mut rows = Vec::new();
    for (index, row) in table.rows.iter().enumerate() {
        let cells: Vec<Vec<Vec<Run>>> = row
            .iter()
            .zip(widths)
            .map(|(cell, &width)| wrap::words(cell, width))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        rows.extend((0..height).map(|line| aligned_row(&cells, widths, line)));
        if index == 0 && table.headed {
            let rules: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
            rows.push(vec![muted(&rules.join("  "))]);
        }
    }
    rows
}

fn aligned_row(cells: &[Vec<Vec<Run>>], widths: &[usize], line: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut due = 0;
    for (cell, width) in cells.iter().zip(widths) {
        if let Some(row) = cell.get(line).filter(|row| !row.is_empty()) {
            if due > 0 {
                runs.push(plain(&" ".repeat(due)));
            }
            due = (width + COLUMN_GAP).saturating_sub(wrap::width(row));
            runs.extend(row.iter().cloned());
        } else {
            due += width + COLUMN_GAP;
        }
    }
    runs
}

fn labelled_rows(table: &Table, room: usize) -> Vec<Vec<Run>> {
    let (head, body) = match table.headed {
        true => table.rows.split_at(1.min(table.rows.len())),
        false => table.rows.split_at(0),
    };
    let mut rows = Vec::new();
    for row in body {
        if !rows.is_empty() {
            rows.push(Vec::new());
        }
        for (column, cell) in row
            .iter()
            .enumerate()
            .filter(|(_, cell)| wrap::width(cell) > 0)
        {
            let label = head
                .first()
                .and_then(|head| head.get(column))
                .filter(|label| wrap::width(label) > 0);
            let label = label.map(|label| [label.clone(), vec![plain(": ")]].concat());
            let runs = [label.unwrap_or_default(), cell.clone()].concat();
            rows.extend(wrap::words(&runs, room));
        }
    }
    rows
}

/// True for what stands below a text and is not part of it.
fn is_signature(block: &Block) -> bool {
    let Content::Fixed(lines) = &block.content else {
        return false;
    };
    lines.iter().flatten().all(|run| run.style == Style::Muted)
}

fn quote_bars(depth: usize, alone: bool) -> Run {
    let bars = "> ".repeat(depth);
    let bars = if alone { bars.trim_end() } else { &bars };
    Run {
        text: Shown::text(bars),
        style: Style::Quote,
        link: None,
    }
}

fn plain(text: &str) -> Run {
    Run {
        text: Shown::text(text),
        style: Style::Text,
        link: None,
    }
}

fn muted(text: &str) -> Run {
    Run {
        text: Shown::text(text),
        style: Style::Muted,
        link: None,
    }
}

/// Deeper quotes are drawn this deep.
const QUOTE_BARS: usize = 8;

/// True if a line says that what is quoted below it is passed on, as Apple's program has it.
fn passes_on(block: &Block) -> bool {
    let Content::Prose { runs, .. } = &block.content else {
        return false;
    };
    let last = runs.iter().rev().find(|run| !run.text.trim().is_empty());
    last.is_some_and(|run| {
        let line = run.text.trim_end().rsplit('\n').next().unwrap_or_default();
        PASSING_ON.iter().any(|words| line.trim() == *words)
    })
}

/// In six languages.
const PASSING_ON: [&str; 6] = [
    "Begin forwarded message:",
    "Anfang der weitergeleiteten Nachricht:",
    "Début du message réexpédié :",
    "Inicio del mensaje reenviado:",
    "Inizio messaggio inoltrato:",
    "Begin doorgestuurd bericht:",
];

/// A quotation of more lines than these is folded, if there is something behind it, and if not.
const LONG_BETWEEN: usize = 24;
const LONG_BEHIND: usize = 6;

/// A rule longer than text is wide says nothing more.
const RULE_COLUMNS: usize = 72;

/// What the numbers before a link's two rows take.
const LINK_MARGIN: usize = 12;

/// What separates two columns of a table.
const COLUMN_GAP: usize = 2;

/// A column narrower than a word reads badly: rows become lists before that.
const COLUMN_LEAST: usize = 10;
