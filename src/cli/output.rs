//! What commands write on stdout: tables on a terminal, tab-separated in a pipe, JSON if asked for.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::style::Stylize;
use serde::Serialize;

use super::failure::Failure;
use crate::notice::{shown::Shown, text};

/// How data is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Columns, aligned, with a header.
    Table,
    /// One line each, fields separated by tabs, without a header.
    Tabs,
    /// `{"schema":1,"items":[…]}`.
    Json,
    /// One object a line.
    JsonLines,
}

/// Stdout. Everything that commands print as data goes through it.
#[derive(Debug)]
pub struct Out {
    out: io::BufWriter<io::Stdout>,
    is_terminal: bool,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its header.
    pub name: &'static str,
    /// True for numbers: they stand to the right.
    pub is_number: bool,
}

/// A column of words.
pub const fn words(name: &'static str) -> Column {
    Column {
        name,
        is_number: false,
    }
}

/// A column of numbers.
pub const fn number(name: &'static str) -> Column {
    Column {
        name,
        is_number: true,
    }
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: u32,
    items: &'a [T],
}

impl Default for Out {
    fn default() -> Out {
        Out::new()
    }
}

impl Out {
    /// The stdout of this process.
    pub fn new() -> Out {
        let stdout = io::stdout();
        Out {
            is_terminal: stdout.is_terminal(),
            out: io::BufWriter::new(stdout),
        }
    }

    /// True if a person reads along.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Writes a line of our own words, or of text that was made harmless.
    ///
    /// # Errors
    ///
    /// Stdout is closed, or full.
    pub fn line(&mut self, line: &Shown) -> Result<(), Failure> {
        writeln!(self.out, "{line}").map_err(closed)
    }

    /// Writes a line cut to the terminal.
    ///
    /// # Errors
    ///
    /// Stdout is closed, or full.
    pub fn fitted_line(&mut self, line: &str) -> Result<(), Failure> {
        let line = Shown::line(&self.fitted(line));
        self.line(&line)
    }

    /// Writes text as it stands: for documents of ours, such as the manual page.
    ///
    /// # Errors
    ///
    /// Stdout is closed, or full.
    pub fn document(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(closed)
    }

    /// Writes items as JSON in this form; `Table` and `Tabs` are [`Out::table`]'s.
    ///
    /// # Errors
    ///
    /// Stdout is closed, or full.
    pub fn json<T: Serialize>(&mut self, form: Form, items: &[T]) -> Result<(), Failure> {
        match form {
            Form::JsonLines => {
                for item in items {
                    serde_json::to_writer(&mut self.out, item).map_err(|e| closed(e.into()))?;
                    self.out.write_all(b"\n").map_err(closed)?;
                }
                Ok(())
            }
            Form::Json | Form::Table | Form::Tabs => {
                let document = Document { schema: 1, items };
                serde_json::to_writer_pretty(&mut self.out, &document)
                    .map_err(|e| closed(e.into()))?;
                self.out.write_all(b"\n").map_err(closed)
            }
        }
    }

    /// Writes one value as a JSON document.
    ///
    /// # Errors
    ///
    /// Stdout is closed, or full.
    pub fn json_value<T: Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut self.out, value).map_err(|e| closed(e.into()))?;
        self.out.write_all(b"\n").map_err(closed)
    }

    /// Writes rows as a table with a header, or separated by tabs without one.
    ///
    /// # Errors
    ///
    /// Stdout is closed, or full.
    pub fn table(
        &mut self,
        form: Form,
        columns: &[Column],
        rows: &[Vec<Shown>],
    ) -> Result<(), Failure> {
        if form != Form::Table {
            for row in rows {
                let fields: Vec<&str> = row.iter().map(Shown::as_str).collect();
                writeln!(self.out, "{}", fields.join("\t")).map_err(closed)?;
            }
            return Ok(());
        }
        if rows.is_empty() {
            return Ok(());
        }
        let widths: Vec<usize> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                rows.iter()
                    .filter_map(|row| row.get(index))
                    .map(|field| field.width())
                    .chain([column.name.len()])
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let header: Vec<Shown> = columns
            .iter()
            .map(|column| Shown::from_static(column.name))
            .collect();
        for (place, row) in std::iter::once(&header).chain(rows).enumerate() {
            let mut line = String::new();
            for (index, (field, column)) in row.iter().zip(columns).enumerate() {
                if index > 0 {
                    line.push_str("  ");
                }
                line.push_str(&if column.is_number {
                    text::pad_start(field, widths[index])
                } else {
                    text::pad_end(field, widths[index])
                });
            }
            let line = self.fitted(line.trim_end());
            match place == 0 && COLOUR.load(Ordering::Relaxed) {
                true => writeln!(self.out, "{}", line.bold()),
                false => writeln!(self.out, "{line}"),
            }
            .map_err(closed)?;
        }
        Ok(())
    }

    /// Hands over what is still kept.
    ///
    /// # Errors
    ///
    /// Stdout is closed, or full.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(closed)
    }

    /// A table's line, cut to the terminal.
    fn fitted(&self, line: &str) -> String {
        match crossterm::terminal::size() {
            Ok((columns, _)) if self.is_terminal && columns > 0 => {
                text::cut_to(line, usize::from(columns))
            }
            Ok(_) | Err(_) => line.to_owned(),
        }
    }
}

/// Whether stdout may be coloured, as `--color` and the environment say.
static COLOUR: AtomicBool = AtomicBool::new(false);

/// Says, once at the start, whether stdout may be coloured.
pub fn set_colour(is_coloured: bool) {
    COLOUR.store(is_coloured, Ordering::Relaxed);
}

fn closed(error: io::Error) -> Failure {
    Failure::unexpected("cannot write the output", error)
}
