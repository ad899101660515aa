//! What is said in a journal, and which of two things said holds (pure).
//!
//! Of each notice and mark the last thing said holds, by a clock that never runs backwards and is never
//! behind what was heard (a hybrid logical clock). "The last" is a maximum: in whatever order entries come,
//! and however often, the end is the same.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::notice::fingerprint::Fingerprint;

/// When something was said: milliseconds since 1970, and a count within the millisecond.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Stamp(pub(in crate::store) i64);

/// Bits of the count.
const COUNT: u32 = 12;

impl Stamp {
    /// Of marks that were made before anything was carried: whatever is said with a date is later.
    pub const LONG_AGO: Stamp = Stamp(1);
    /// The end of the year 9999. Whoever's clock is there has said the last word.
    const MOST: i64 = 253_402_300_799_999 << COUNT;

    /// A stamp behind the `last` one, and not before `now`.
    pub fn after(last: Stamp, now: Timestamp) -> Stamp {
        let now = now.as_millisecond().max(0) << COUNT;
        Stamp(now.max(last.0 + 1).min(Stamp::MOST))
    }
}

/// What is said further ahead, by no clock of anybody's, is not believed: nothing could be said behind it. A century, in
/// milliseconds.
const MOST_AHEAD: i64 = 36_525 * 86_400_000;

impl Said {
    /// True if it can have been said by `now`.
    pub fn is_credible(&self, now: Timestamp) -> bool {
        self.stamp.0 >> COUNT <= now.as_millisecond().saturating_add(MOST_AHEAD)
    }
}

/// Which of a person's machines has said it, so that of two things said at the same time all choose the
/// same.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Machine(pub [u8; 8]);

/// What can be said of a notice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Mark {
    /// It was read.
    Read,
    /// It is starred.
    Starred,
    /// Its thread is muted.
    Muted,
}

impl Mark {
    /// All of them.
    pub const ALL: [Mark; 3] = [Mark::Read, Mark::Starred, Mark::Muted];

    fn letter(self) -> char {
        match self {
            Mark::Read => 'r',
            Mark::Starred => 's',
            Mark::Muted => 'm',
        }
    }
}

/// A mark set or taken away. The greater of two holds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Said {
    /// When.
    pub stamp: Stamp,
    /// By which machine.
    pub machine: Machine,
    /// Set, or taken away.
    pub value: bool,
}

/// A line of a journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Of which notice.
    pub fingerprint: Fingerprint,
    /// Of which mark.
    pub mark: Mark,
    /// What.
    pub said: Said,
}

/// What every journal begins with.
pub const HEAD: &str = "tidings marks 1\n";
/// What those of another version begin with as well.
const ANY_HEAD: &[u8] = b"tidings marks ";

/// What a file in the folder turned out to be.
#[derive(Debug, Eq, PartialEq)]
pub enum Read {
    /// A journal; lines that are damaged or not whole yet are left out.
    Journal(Vec<Entry>),
    /// A journal of a kind that this version does not know.
    Newer,
    /// None.
    Foreign,
}

/// Reads a journal, or what is there of one.
pub fn read(file: &[u8]) -> Read {
    // Some programs that carry files write line ends of their own.
    let head = HEAD.as_bytes().trim_ascii_end();
    let lines = file.strip_prefix(head).and_then(|rest| {
        let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        rest.strip_prefix(b"\n")
    });
    if let Some(lines) = lines {
        return Read::Journal(
            lines
                .split(|&octet| octet == b'\n')
                .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
                .filter_map(parse)
                .collect(),
        );
    }
    match file {
        partial if HEAD.as_bytes().starts_with(partial) => Read::Journal(Vec::new()),
        other if other.starts_with(ANY_HEAD) => Read::Newer,
        _ => Read::Foreign,
    }
}

/// Writes an entry as a line: when, by whom, of which notice, what, and a check. Nobody learns from it
/// what the notice says.
pub fn write(entry: &Entry, out: &mut String) {
    let Entry {
        fingerprint,
        mark,
        said,
    } = entry;
    let start = out.len();
    out.push_str(&format!("{:x} ", said.stamp.0));
    for part in [&said.machine.0[..], &fingerprint.headers, &fingerprint.body] {
        BASE64_URL_SAFE_NO_PAD.encode_string(part, out);
        out.push(' ');
    }
    out.push(mark.letter());
    out.push(if said.value { '+' } else { '-' });
    let check = check(&out.as_bytes()[start..]);
    out.push(' ');
    out.push_str(&check);
    out.push('\n');
}

fn parse(line: &[u8]) -> Option<Entry> {
    let line = str::from_utf8(line).ok()?;
    let (content, found) = line.rsplit_once(' ')?;
    if check(content.as_bytes()) != found {
        return None;
    }
    let mut words = content.split(' ');
    let stamp = i64::from_str_radix(words.next()?, 16).ok()?;
    let machine = octets(words.next()?)?;
    let headers = octets(words.next()?)?;
    let body = octets(words.next()?)?;
    let what = words.next()?;
    let mark = Mark::ALL
        .into_iter()
        .find(|mark| what.starts_with(mark.letter()))?;
    let value = match &what[1..] {
        "+" => true,
        "-" => false,
        _ => return None,
    };
    (0..=Stamp::MOST).contains(&stamp).then_some(Entry {
        fingerprint: Fingerprint { headers, body },
        mark,
        said: Said {
            stamp: Stamp(stamp),
            machine: Machine(machine),
            value,
        },
    })
}

fn octets<const N: usize>(word: &str) -> Option<[u8; N]> {
    BASE64_URL_SAFE_NO_PAD.decode(word).ok()?.try_into().ok()
}

fn check(content: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(content)[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            fingerprint: Fingerprint {
                headers: [1; 16],
                body: [255; 16],
            },
            mark: Mark::Starred,
            said: Said {
                stamp: Stamp::after(Stamp::default(), Timestamp::UNIX_EPOCH),
                machine: Machine([7; 8]),
                value: false,
            },
        }
    }

    fn journal() -> String {
        let mut text = HEAD.to_owned();
        write(&entry(), &mut text);
        text
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(read(journal().as_bytes()), Read::Journal(vec![entry()]));
    }

    #[test]
    fn of_a_file_that_is_cut_off_anywhere_the_whole_lines_are_read() {
        let whole = journal();
        let twice = format!("{whole}{}", &whole[HEAD.len()..]);
        for end in 0..twice.len() {
            let lines = twice[..end].matches('\n').count().saturating_sub(1);
            // A line is whole without its end too.
            let lines = lines + usize::from(end + 1 == whole.len() || end + 1 == twice.len());

            assert_eq!(
                read(&twice.as_bytes()[..end]),
                Read::Journal(vec![entry(); lines]),
                "{end}"
            );
        }
    }

    #[test]
    fn a_line_with_any_bit_turned_over_is_left_out() {
        let whole = journal().into_bytes();
        for place in HEAD.len()..whole.len() - 1 {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[place] ^= 1 << bit;

                assert_eq!(read(&damaged), Read::Journal(Vec::new()), "{place} {bit}");
            }
        }
    }

    #[test]
    fn other_files_are_no_journals_and_those_of_a_newer_version_are_told_apart() {
        assert_eq!(read(b"\x7fELF"), Read::Foreign);
        assert_eq!(read(b"tidings marks 2\nabc\n"), Read::Newer);
    }

    #[test]
    fn a_stamp_is_behind_all_that_was_heard_whatever_the_clock_says() {
        let far = Stamp::after(
            Stamp::default(),
            "2099-01-01T00:00:00Z".parse().expect("a time"),
        );
        let next = Stamp::after(far, Timestamp::UNIX_EPOCH);

        assert!(next > far);
        assert!(Stamp::after(Stamp(Stamp::MOST), Timestamp::UNIX_EPOCH) <= Stamp(Stamp::MOST));
    }
}
