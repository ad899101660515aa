//! One line of typed text, with the editing keys that people's fingers know.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};
use zeroize::{Zeroize, Zeroizing};

use crate::{config::Password, notice::shown::Shown};

/// One line of typed text.
#[derive(Clone, Debug, Default)]
pub struct Line {
    input: Input,
}

impl Line {
    /// A line that holds a text, with the cursor behind it.
    pub fn new(text: &str) -> Line {
        Line {
            input: Input::new(text.to_owned()),
        }
    }

    /// Takes a key. Returns true if the text changed; false for keys that mean nothing here, too.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        let Some(request) = request(key) else {
            return false;
        };
        self.input
            .handle(request)
            .is_some_and(|changed| changed.value)
    }

    /// Puts text in at the cursor; of several lines the first.
    pub fn paste(&mut self, text: &str) {
        let line = text.lines().next().unwrap_or_default();
        for c in line.chars().filter(|c| !c.is_control()) {
            self.input.handle(InputRequest::InsertChar(c));
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// The text before the cursor and after it, as they may be drawn.
    pub fn shown(&self) -> (Shown, Shown) {
        let place = self.text().char_indices().nth(self.input.cursor());
        let place = place.map_or(self.text().len(), |(place, _)| place);
        let (before, after) = self.text().split_at(place);
        (Shown::text(before), Shown::text(after))
    }

    /// True if nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }
}

fn request(key: &KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('b') if control => InputRequest::GoToPrevChar,
        KeyCode::Char('d') if control => InputRequest::DeleteNextChar,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char('f') if control => InputRequest::GoToNextChar,
        KeyCode::Char('h') if control => InputRequest::DeletePrevChar,
        KeyCode::Char('k') if control => InputRequest::DeleteTillEnd,
        KeyCode::Char('u') if control => InputRequest::DeleteFromStart,
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char('y') if control => InputRequest::Yank,
        KeyCode::Char('b') if alt => InputRequest::GoToPrevWord,
        KeyCode::Char('f') if alt => InputRequest::GoToNextWord,
        KeyCode::Char('d') if alt => InputRequest::DeleteNextWord,
        KeyCode::Char(_) if control || alt => return None,
        KeyCode::Char(c) => InputRequest::InsertChar(c),
        KeyCode::Backspace if alt || control => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if control => InputRequest::GoToPrevWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right if control => InputRequest::GoToNextWord,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return None,
    })
}

/// A password that is being typed: never drawn, never printed, wiped when it is gone.
#[derive(Default)]
pub struct SecretLine {
    text: Zeroizing<String>,
}

impl SecretLine {
    /// Takes a key. Returns true if the text changed.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if control => self.text.zeroize(),
            KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => {
                return false;
            }
            KeyCode::Char(c) => self.push(c),
            KeyCode::Backspace => {
                self.text.pop();
            }
            _ => return false,
        }
        true
    }

    /// Puts text at the end; of several lines the first.
    pub fn paste(&mut self, text: &str) {
        for c in text.lines().next().unwrap_or_default().chars() {
            self.push(c);
        }
    }

    /// As many dots as there are characters.
    pub fn masked(&self) -> Shown {
        Shown::text(&"•".repeat(self.text.chars().count()))
    }

    /// The password.
    pub fn password(&self) -> Password {
        Password::new(self.text.as_str())
    }

    /// True if nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Grows into a new place before the old one is too small, so that no copy is left behind.
    fn push(&mut self, c: char) {
        if self.text.len() + c.len_utf8() > self.text.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity(self.text.capacity() * 2 + 64));
            larger.push_str(&self.text);
            self.text = larger;
        }
        self.text.push(c);
    }
}

impl fmt::Debug for SecretLine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("****")
    }
}
