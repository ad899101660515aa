//! What a subject says beside what it is about: that a mail answers another, or passes one on.

use super::headers;

/// A key for what a subject is about, whether it answers or not; none if it says nothing.
pub(super) fn key(subject: &str) -> Option<u64> {
    let mut rest = subject.trim();
    while let Some(after) = without(rest, ANSWERS).or_else(|| without(rest, PASSES_ON)) {
        rest = after;
    }
    let words = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    let says_something = words.chars().any(char::is_alphanumeric) && subject != "(no subject)";
    // No Message-ID holds such a space.
    says_something.then(|| headers::key_of(&format!("subject {}", words.to_lowercase())))
}

/// True if it says that the mail answers one.
pub(super) fn is_answer(subject: &str) -> bool {
    without(subject, ANSWERS).is_some()
}

/// True if it says that the mail passes one on.
pub(super) fn is_passed_on(subject: &str) -> bool {
    without(subject.trim_start().trim_start_matches('['), PASSES_ON).is_some()
}

/// What follows on one of these words and its colon.
fn without<'s>(subject: &'s str, words: &[&str]) -> Option<&'s str> {
    let (word, rest) = subject.trim_start().split_once([':', '：'])?;
    let is_one = words.contains(&word.trim().to_lowercase().as_str());
    is_one.then(|| rest.trim_start())
}

/// What programs put before the subject of an answer, in lower case.
const ANSWERS: &[&str] = &[
    "re", "aw", "antw", "sv", "vs", "odp", "rif", "ref", "réf", "rép", "res", "回复", "答复",
];

/// And before that of a mail that is passed on.
const PASSES_ON: &[&str] = &["fw", "fwd", "wg", "tr", "rv", "enc", "doorst", "i", "转发"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_what_is_passed_on_are_told_apart() {
        for subject in ["Re: Lunch", "AW: Lunch", "RE : Lunch", "回复：午饭"] {
            assert!(is_answer(subject) && !is_passed_on(subject), "{subject}");
        }
        for subject in ["Fwd: Lunch", "WG: Lunch", "[Fwd: Lunch]", "I: Pranzo"] {
            assert!(is_passed_on(subject) && !is_answer(subject), "{subject}");
        }
        for subject in ["Lunch: re-opened", "Lunch", "", "Results: re"] {
            assert!(!is_passed_on(subject) && !is_answer(subject), "{subject}");
        }
        assert_eq!(key("Re: WG: Re: Fire  drill"), key("fire drill"));
        assert_eq!(key("Re: "), None);
    }
}
