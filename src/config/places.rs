//! Where in a settings file each key stands, so that a mistake can be found.

use std::{collections::BTreeMap, fmt};

use toml_edit::{Document, Item, TableLike};

/// Where each key of a settings file stands. Settings that come from elsewhere have none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Places(BTreeMap<String, Place>);

/// A place in a file.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Places {
    /// The places of all keys in a file; none if it is no TOML.
    pub fn of(text: &str) -> Places {
        let mut places = Places::default();
        if let Ok(document) = Document::parse(text) {
            places.enter(document.as_table(), "", text);
        }
        places
    }

    /// The place of a key with its tables, as `mailbox.0.host` or `keys.reader.ctrl-n`.
    pub fn find(&self, key: &str) -> Option<Place> {
        self.0.get(key).copied()
    }

    fn enter(&mut self, table: &dyn TableLike, above: &str, text: &str) {
        for (name, item) in table.iter() {
            let key = match above {
                "" => name.to_owned(),
                above => format!("{above}.{name}"),
            };
            if let Some(span) = table.key(name).and_then(toml_edit::Key::span) {
                self.0.insert(key.clone(), Place::at(text, span.start));
            }
            match item {
                Item::ArrayOfTables(tables) => {
                    for (index, table) in tables.iter().enumerate() {
                        self.enter(table, &format!("{key}.{index}"), text);
                    }
                }
                item => {
                    if let Some(table) = item.as_table_like() {
                        self.enter(table, &key, text);
                    }
                }
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl Place {
    /// The place of an octet of the text.
    pub fn at(text: &str, octet: usize) -> Place {
        let before = &text[..text.floor_char_boundary(octet)];
        Place {
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().unwrap_or("").chars().count() + 1,
        }
    }
}
