//! One key, as it is written in settings (`ctrl-u`) and on the screen (`Ctrl-U`).

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers. A capital letter is a key of its own, without Shift.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Key {
    fn new(code: KeyCode, modifiers: KeyModifiers) -> Key {
        let known = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
        let mut modifiers = modifiers & known;
        let code = match code {
            KeyCode::Char(c) if modifiers.contains(KeyModifiers::CONTROL) => {
                KeyCode::Char(c.to_ascii_lowercase())
            }
            KeyCode::Char(c) if modifiers.contains(KeyModifiers::SHIFT) => {
                modifiers -= KeyModifiers::SHIFT;
                KeyCode::Char(c.to_uppercase().next().unwrap_or(c))
            }
            KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        if code == KeyCode::BackTab {
            modifiers -= KeyModifiers::SHIFT;
        }
        Key { code, modifiers }
    }

    /// The digit that it is, if it is one from 1 to 9.
    pub fn digit(self) -> Option<usize> {
        match self.code {
            KeyCode::Char(c) => c.to_digit(10).filter(|d| *d > 0).map(|d| d as usize),
            _ => None,
        }
    }
}

impl From<&KeyEvent> for Key {
    fn from(event: &KeyEvent) -> Key {
        Key::new(event.code, event.modifiers)
    }
}

/// There is no such key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoSuchKey;

impl FromStr for Key {
    type Err = NoSuchKey;

    fn from_str(text: &str) -> Result<Key, NoSuchKey> {
        let mut modifiers = KeyModifiers::NONE;
        let mut name = text;
        while let Some((modifier, rest)) = modifier(name) {
            modifiers |= modifier;
            name = rest;
        }
        Ok(Key::new(code(name).ok_or(NoSuchKey)?, modifiers))
    }
}

impl fmt::Display for Key {
    /// As hints and help show it: `Enter`, `Ctrl-U`, `→`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("Ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("Alt-")?;
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            f.write_str("Shift-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                write!(f, "{}", c.to_ascii_uppercase())
            }
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            code => f.write_str(shown(code)),
        }
    }
}

fn modifier(text: &str) -> Option<(KeyModifiers, &str)> {
    let (name, rest) = text.split_once('-')?;
    if rest.is_empty() {
        return None;
    }
    match name.to_ascii_lowercase().as_str() {
        "ctrl" => Some((KeyModifiers::CONTROL, rest)),
        "alt" => Some((KeyModifiers::ALT, rest)),
        "shift" => Some((KeyModifiers::SHIFT, rest)),
        _ => None,
    }
}

fn code(name: &str) -> Option<KeyCode> {
    let mut characters = name.chars();
    if let (Some(c), None) = (characters.next(), characters.next()) {
        return Some(KeyCode::Char(c));
    }
    match name.to_ascii_lowercase().as_str() {
        "backspace" => Some(KeyCode::Backspace),
        "del" | "delete" => Some(KeyCode::Delete),
        "down" => Some(KeyCode::Down),
        "end" => Some(KeyCode::End),
        "enter" | "return" => Some(KeyCode::Enter),
        "esc" | "escape" => Some(KeyCode::Esc),
        "home" => Some(KeyCode::Home),
        "ins" | "insert" => Some(KeyCode::Insert),
        "left" => Some(KeyCode::Left),
        "pgdn" | "pagedown" => Some(KeyCode::PageDown),
        "pgup" | "pageup" => Some(KeyCode::PageUp),
        "right" => Some(KeyCode::Right),
        "space" => Some(KeyCode::Char(' ')),
        "tab" => Some(KeyCode::Tab),
        "up" => Some(KeyCode::Up),
        function => function
            .strip_prefix('f')
            .and_then(|number| number.parse().ok())
            .filter(|number| (1..=24).contains(number))
            .map(KeyCode::F),
    }
}

fn shown(code: KeyCode) -> &'static str {
    match code {
        KeyCode::Backspace => "Backspace",
        KeyCode::BackTab => "Shift-Tab",
        KeyCode::Delete => "Del",
        KeyCode::Down => "↓",
        KeyCode::End => "End",
        KeyCode::Enter => "Enter",
        KeyCode::Esc => "Esc",
        KeyCode::Home => "Home",
        KeyCode::Insert => "Ins",
        KeyCode::Left => "←",
        KeyCode::PageDown => "PgDn",
        KeyCode::PageUp => "PgUp",
        KeyCode::Right => "→",
        KeyCode::Tab => "Tab",
        KeyCode::Up => "↑",
        _ => "?",
    }
}

/// The names of keys that are more than a character, for telling what was meant.
pub const NAMES: [&str; 15] = [
    "backspace",
    "del",
    "down",
    "end",
    "enter",
    "esc",
    "f1",
    "home",
    "left",
    "pgdn",
    "pgup",
    "right",
    "space",
    "tab",
    "up",
];
