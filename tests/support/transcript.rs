//! Transcripts, written as the RFC writes its examples: `C:` and `S:` before each line, `#` before
//! what is for people, `#:` before what sets the scene. `...` ends a line with any text.

use std::path::{Path, PathBuf};

/// A transcript of a session.
pub struct Transcript {
    pub path: PathBuf,
    pub steps: Vec<Step>,
}

pub struct Step {
    /// Its line in the file, from 1.
    pub line: usize,
    pub said: Said,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Said {
    /// By the client.
    Client(String),
    /// By the server.
    Server(String),
    /// By the author of the test.
    Scene(String),
}

impl Transcript {
    /// Reads `tests/transcripts/FOLDER/NAME.txt`.
    pub fn read(folder: &str, name: &str) -> Transcript {
        let path = Transcript::folder(folder).join(format!("{name}.txt"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let steps = text
            .lines()
            .enumerate()
            .filter_map(|(index, line)| {
                let said = if let Some(scene) = line.strip_prefix("#:") {
                    Said::Scene(scene.trim().to_owned())
                } else if line.starts_with('#') || line.trim().is_empty() {
                    return None;
                } else if let Some(text) = after(line, "C:") {
                    Said::Client(text)
                } else if let Some(text) = after(line, "S:") {
                    Said::Server(text)
                } else {
                    panic!("{}:{}: neither C: nor S:", path.display(), index + 1);
                };
                Some(Step {
                    line: index + 1,
                    said,
                })
            })
            .collect();
        Transcript { path, steps }
    }

    pub fn folder(folder: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/transcripts")
            .join(folder)
    }

    /// The names of all transcripts in a folder, sorted.
    pub fn names(folder: &str) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(Transcript::folder(folder))
            .expect("the folder of transcripts")
            .map(|entry| entry.expect("a transcript").file_name())
            .filter_map(|name| Some(name.to_str()?.strip_suffix(".txt")?.to_owned()))
            .collect();
        names.sort();
        names
    }
}

/// True if what was said is what the transcript has.
pub fn matches(expected: &str, said: &str) -> bool {
    match expected.strip_suffix("...") {
        Some(start) => said.starts_with(start.trim_end()),
        None => expected == said,
    }
}

/// Spaces at the end of a line are part of it.
fn after(line: &str, letter: &str) -> Option<String> {
    let rest = line.strip_prefix(letter)?;
    Some(rest.strip_prefix(' ').unwrap_or(rest).to_owned())
}
