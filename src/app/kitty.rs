//! Which kitty it is that this runs in, as far as pictures are concerned.

use std::{
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// The first kitty that puts a picture where its placeholders stand; one before shows boxes.
const FIRST: (u32, u32) = (0, 28);

/// True if a terminal says that it is kitty, or draws as it does.
pub(super) fn is_kitty() -> bool {
    let names_it =
        std::env::var("TERM").is_ok_and(|term| term.contains("kitty") || term.contains("ghostty"));
    is_here() || names_it
}

/// True if kitty runs on this machine, too old for pictures among the text. It starts `kitty`, and waits for its
/// version. Of one that runs elsewhere nothing is known, and it is taken for one that can.
pub(super) fn is_too_old() -> bool {
    if !is_here() {
        return false;
    }
    let (asked, answer) = mpsc::channel();
    // One that does not answer is left to itself.
    thread::spawn(move || {
        let said = Command::new("kitty")
            .arg("--version")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        let _ = asked.send(said);
    });
    let said = answer.recv_timeout(PATIENCE).ok().and_then(Result::ok);
    let words = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    words.is_some_and(|words| version(&words).is_some_and(|version| version < FIRST))
}

/// How long it may take to say its version.
const PATIENCE: Duration = Duration::from_secs(2);

fn is_here() -> bool {
    std::env::var_os("KITTY_WINDOW_ID").is_some_and(|value| !value.is_empty())
}

/// The version in `kitty 0.26.5 created by …`.
fn version(words: &str) -> Option<(u32, u32)> {
    let mut numbers = words.strip_prefix("kitty ")?.split(['.', ' ']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_and_words_are_none() {
        assert_eq!(version("kitty 0.26.5 created by somebody\n"), Some((0, 26)));
        assert_eq!(version("kitty 1.0"), Some((1, 0)));
        assert_eq!(version("kitty: not found"), None);
        assert_eq!(version(""), None);
    }
}
