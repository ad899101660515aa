//! The terminal's background, for the theme `auto`: asked by OSC 11, awaited for a moment.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::AsFd,
    io::read,
};

use crate::tui::Background;

/// How long the answer is awaited. Terminals answer within a few milliseconds or never.
const PATIENCE: Duration = Duration::from_millis(100);
/// More than any terminal answers.
const LONGEST: usize = 512;

/// Asks the terminal, which must be in raw mode, and be read by nobody else yet.
pub(super) fn ask() -> Option<Background> {
    let mut out = io::stdout();
    // Every terminal answers the second question (its kind): no answer to the first need be awaited.
    out.write_all(b"\x1b]11;?\x1b\\\x1b[c").ok()?;
    out.flush().ok()?;
    let answer = answer();
    parse(&String::from_utf8_lossy(&answer))
}

/// What the terminal says until it has told its kind, or for [`PATIENCE`].
fn answer() -> Vec<u8> {
    let stdin = io::stdin();
    let fd = stdin.as_fd();
    let until = Instant::now() + PATIENCE;
    let mut answer = Vec::new();
    while answer.len() < LONGEST && !is_complete(&answer) {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(left) = Timespec::try_from(left) else {
            break;
        };
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        if !matches!(poll(&mut fds, Some(&left)), Ok(1)) {
            break;
        }
        let mut bytes = [0; 64];
        match read(fd, &mut bytes) {
            Ok(count) if count > 0 => answer.extend_from_slice(&bytes[..count]),
            Ok(_) | Err(_) => break,
        }
    }
    answer
}

/// True once the answer about the terminal's kind is there: `ESC [ ? … c`.
fn is_complete(answer: &[u8]) -> bool {
    answer
        .windows(3)
        .position(|window| window == b"\x1b[?")
        .is_some_and(|start| answer[start..].contains(&b'c'))
}

/// Reads `ESC ] 11 ; rgb:RRRR/GGGG/BBBB`, with one to four digits each.
fn parse(answer: &str) -> Option<Background> {
    let (_, colour) = answer.split_once("]11;rgb:")?;
    let colour = colour.split(['\x1b', '\x07']).next()?;
    let mut channels = colour.split('/').map(|digits| {
        let most = 16u32.checked_pow(u32::try_from(digits.len()).ok()?)? - 1;
        let value = u32::from_str_radix(digits, 16).ok()?;
        (most > 0).then(|| f64::from(value) / f64::from(most))
    });
    let (red, green, blue) = (channels.next()??, channels.next()??, channels.next()??);
    // How bright it looks (ITU-R BT.709).
    let brightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    Some(if brightness < 0.5 {
        Background::Dark
    } else {
        Background::Light
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_black_background_is_dark_and_a_cream_one_light() {
        let dark = parse("\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;c");
        let light = parse("\x1b]11;rgb:fd/f6/e3\x07\x1b[?1;2c");

        assert_eq!(dark, Some(Background::Dark));
        assert_eq!(light, Some(Background::Light));
    }

    #[test]
    fn an_answer_without_a_colour_tells_nothing() {
        let answers = [
            "",
            "\x1b[?62;c",
            "\x1b]11;rgb:xx/yy/zz\x07",
            "\x1b]11;rgb:\x07",
        ];

        assert_eq!(answers.map(parse), [None; 4]);
    }

    #[test]
    fn the_answer_is_complete_with_the_terminals_kind() {
        assert!(!is_complete(b"\x1b]11;rgb:0000/0000/0000\x1b\\"));
        assert!(is_complete(b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;c"));
    }
}
