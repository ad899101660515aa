//! JSON, laid out anew, with its names set off.

use serde_json::Value;

use super::LINES;
use crate::notice::{
    Run, Style,
    body::{Block, Content},
    shown::Shown,
};

/// The lines; nothing if it is no JSON.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return Vec::new();
    };
    let mut lines = Lines::default();
    lines.value(&value, 0, "");
    lines.end();
    if lines.all.len() > LINES {
        lines.all.truncate(LINES);
        lines.put(
            "… (cut here: `w` in the files saves all of it)",
            Style::Muted,
        );
        lines.end();
    }
    vec![Block::new(Content::Fixed(lines.all))]
}

#[derive(Default)]
struct Lines {
    all: Vec<Vec<Run>>,
    open: Vec<Run>,
}

impl Lines {
    fn put(&mut self, text: &str, style: Style) {
        self.open.push(Run {
            text: Shown::text(text),
            style,
            link: None,
        });
    }

    fn end(&mut self) {
        self.all.push(std::mem::take(&mut self.open));
    }

    fn begin(&mut self, depth: usize) {
        self.end();
        self.put(&"  ".repeat(depth.min(DEEPEST)), Style::Code);
    }

    /// Depth is bounded: what is nested deeper than 128 is no JSON to the library.
    fn value(&mut self, value: &Value, depth: usize, behind: &str) {
        if self.all.len() > LINES {
            return;
        }
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                self.put("{", Style::Code);
                let last = fields.len() - 1;
                for (place, (name, value)) in fields.iter().enumerate() {
                    self.begin(depth + 1);
                    let name = Value::String(name.clone()).to_string();
                    self.put(&format!("{name}: "), Style::Key);
                    self.value(value, depth + 1, if place < last { "," } else { "" });
                }
                self.begin(depth);
                self.put(&format!("}}{behind}"), Style::Code);
            }
            Value::Array(values) if !values.is_empty() => {
                self.put("[", Style::Code);
                let last = values.len() - 1;
                for (place, value) in values.iter().enumerate() {
                    self.begin(depth + 1);
                    self.value(value, depth + 1, if place < last { "," } else { "" });
                }
                self.begin(depth);
                self.put(&format!("]{behind}"), Style::Code);
            }
            plain => self.put(&format!("{plain}{behind}"), Style::Code),
        }
    }
}

/// Deeper than this nothing is moved further to the right.
const DEEPEST: usize = 20;
