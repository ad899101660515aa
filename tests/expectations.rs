//! What a careful person says must be shown of real mails (`expectations.toml`).

use std::{fs, path::Path};

use serde::Deserialize;
use tidings::notice::{Notice, body::Options};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectations {
    mail: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    file: String,
    subject: Option<String>,
    from: Option<[String; 2]>,
    date: Option<jiff::Timestamp>,
    #[serde(default)]
    has: Vec<String>,
    #[serde(default)]
    not: Vec<String>,
    files: Option<Vec<(String, u64)>>,
    #[serde(default)]
    links: Vec<String>,
    /// For whoever reads the file.
    #[expect(dead_code, reason = "it argues, and is not compared")]
    note: Option<String>,
}

#[test]
fn what_people_say_of_real_mails_is_shown() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let text = fs::read_to_string(tests.join("expectations.toml")).expect("expectations");
    let expectations: Expectations = toml::from_str(&text).expect("TOML");
    assert!(expectations.mail.len() >= 150);
    let mut faults = Vec::new();
    for expected in &expectations.mail {
        let raw = fs::read(tests.join("mails/corpus").join(&expected.file)).expect("a mail");
        let found = expected.faults_in(&Notice::parse(&raw));
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("{}: {fault}", expected.file)),
        );
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

impl Expected {
    fn faults_in(&self, notice: &Notice) -> Vec<String> {
        let mut faults = Vec::new();
        let mut compare =
            |what: &str, found: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug| {
                let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
                if found != expected {
                    faults.push(format!("{what} is {found}, not {expected}"));
                }
            };
        if let Some(subject) = &self.subject {
            compare("the subject", &notice.subject.as_str(), subject);
        }
        if let Some(expected) = &self.from {
            let from = notice.from.first().cloned().unwrap_or_default();
            compare(
                "the author",
                &[from.name.as_str(), from.address.as_str()],
                expected,
            );
        }
        if let Some(date) = &self.date {
            compare("the date", &notice.date, &Some(date));
        }
        if let Some(expected) = &self.files {
            let found = notice
                .files
                .iter()
                .map(|file| (file.name.to_string(), file.size));
            let found: Vec<(String, u64)> = found
                .enumerate()
                .map(|(place, (name, size))| match expected.get(place) {
                    Some((no_name, 0)) if no_name.is_empty() => (String::new(), 0),
                    Some((no_name, _)) if no_name.is_empty() => (String::new(), size),
                    Some((_, 0)) => (name, 0),
                    Some(_) | None => (name, size),
                })
                .collect();
            let expected: Vec<(String, u64)> = expected
                .iter()
                .map(|(name, size)| (savable(name), *size))
                .collect();
            compare("the files", &found, &expected);
        }
        let shown = shown(notice);
        for words in &self.has {
            if !shown.contains(&squeezed(words)) {
                faults.push(format!("{words:?} is not shown"));
            }
        }
        for words in &self.not {
            if shown.contains(&squeezed(words)) {
                faults.push(format!("{words:?} is shown"));
            }
        }
        for link in &self.links {
            // Hosts in small letters, a slash behind them: the same place.
            let link = url::Url::parse(link).expect("an address").to_string();
            if !notice
                .links
                .iter()
                .any(|found| found.target == link.as_str())
            {
                let found: Vec<&str> = notice
                    .links
                    .iter()
                    .map(|link| link.target.as_str())
                    .collect();
                faults.push(format!("{link:?} is not offered: {found:?}"));
            }
        }
        faults
    }
}

/// A name as it may be saved: without what some system could not bear, or a terminal.
fn savable(name: &str) -> String {
    name.replace(['?', ':', '*', '\u{fffd}'], "_")
        .replace('\n', " ")
}

/// The text as it is drawn, wide enough that no word is parted.
fn shown(notice: &Notice) -> String {
    let options = Options {
        link_list: false,
        ..Options::default()
    };
    let mut text = String::new();
    for line in notice.lines(4000, options) {
        line.runs.iter().for_each(|run| text.push_str(&run.text));
        text.push('\n');
    }
    squeezed(&text)
}

/// Without white space, of which layout makes what it likes.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
