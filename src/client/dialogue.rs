//! The dialogue of a check as a person may read it: lines of `C:` and `S:`, passwords masked.
//!
//! What the server says is kept as it came; whoever shows it makes it harmless first.

use std::{
    collections::VecDeque,
    fmt::Display,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::{ExposeSecret, SecretString};

/// A record that the sessions of one check write into. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Dialogue(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    /// What the server was told in confidence, and must not be quoted with.
    secrets: Vec<SecretString>,
    head: Vec<String>,
    left_out: usize,
    tail: VecDeque<String>,
}

/// Lines kept from the beginning, where sessions differ most.
const HEAD: usize = 120;
/// Lines kept from the end, where they fail.
const TAIL: usize = 40;

/// The longest line that is kept, in octets: that of an answer by the standard (RFC 2449 §4). A
/// server may say a hundred times as much in each line, and the cache keeps a day of dialogues.
const LONGEST: usize = 512;

/// So many octets of a secret's beginning say something of it.
const LEAST_OF_A_SECRET: usize = 3;

impl Dialogue {
    /// Writes down what the client said.
    pub fn client(&self, line: &impl Display) {
        tracing::debug!(target: "tidings::pop3", "C: {line}");
        self.push(format!("C: {line}"));
    }

    /// Writes down what the server said.
    pub fn server(&self, line: &impl Display) {
        let line = self.mask(&line.to_string());
        self.push(format!("S: {line}"));
    }

    /// From now on this is masked, should the server repeat it.
    pub fn conceal(&self, secret: &SecretString) {
        let secrets = &mut self.lines().secrets;
        let is_known = |known: &SecretString| known.expose_secret() == secret.expose_secret();
        // Each visit of a check signs in with the same one.
        if !secrets.iter().any(is_known) {
            secrets.push(secret.clone());
        }
    }

    /// The words without what is concealed.
    pub fn mask(&self, words: &str) -> String {
        let mut masked = words.to_owned();
        for secret in &self.lines().secrets {
            let secret = secret.expose_secret();
            if !secret.is_empty() && masked.contains(secret) {
                masked = masked.replace(secret, "****");
            }
        }
        // Of words that were cut the end may be the beginning of a secret.
        if let Some(cut) = masked.strip_suffix('…') {
            let lines = self.lines();
            let begun = lines.secrets.iter().filter_map(|secret| {
                let secret = secret.expose_secret();
                let mut ends = secret.char_indices().map(|(at, _)| at).rev();
                ends.find(|end| *end >= LEAST_OF_A_SECRET && cut.ends_with(&secret[..*end]))
            });
            let longest = begun.max();
            drop(lines);
            if let Some(length) = longest {
                masked = format!("{}****…", &cut[..cut.len() - length]);
            }
        }
        masked
    }

    /// Writes down what is neither.
    pub fn remark(&self, words: &str) {
        self.push(format!("# {words}"));
    }

    /// The whole of it, a line each.
    pub fn text(&self) -> Arc<str> {
        // What was written down before it was known to be a secret is masked now, line by line: any of
        // them may have been cut.
        let joined = self.joined();
        let lines: Vec<String> = joined.split('\n').map(|line| self.mask(line)).collect();
        lines.join("\n").into()
    }

    fn joined(&self) -> String {
        let lines = self.lines();
        let mut text = lines.head.join("\n");
        if lines.left_out > 0 {
            text.push_str(&format!("\n# … {} lines left out …", lines.left_out));
        }
        for line in &lines.tail {
            text.push('\n');
            text.push_str(line);
        }
        text
    }

    fn push(&self, mut line: String) {
        if line.len() > LONGEST {
            line.truncate(line.floor_char_boundary(LONGEST));
            line.push('…');
        }
        let mut lines = self.lines();
        if lines.head.len() < HEAD {
            lines.head.push(line);
            return;
        }
        lines.tail.push_back(line);
        if lines.tail.len() > TAIL {
            lines.tail.pop_front();
            lines.left_out += 1;
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
