//! What a subject is about, for threads of mails that name no other.

use crate::notice::headers;

/// A key for what a subject is about, whether it answers or not; none if it says nothing.
pub(super) fn key(subject: &str) -> Option<u64> {
    let mut rest = subject.trim();
    while let Some((word, after)) = rest.split_once(':')
        && ANSWERS.contains(&word.trim().to_lowercase().as_str())
    {
        rest = after.trim_start();
    }
    let words = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    let says_something = words.chars().any(char::is_alphanumeric) && subject != "(no subject)";
    // No Message-ID holds such a space.
    says_something.then(|| headers::key_of(&format!("subject {}", words.to_lowercase())))
}

/// What programs put before the subject of an answer or of what is passed on.
const ANSWERS: [&str; 14] = [
    "re", "aw", "antw", "sv", "vs", "odp", "rif", "ref", "réf", "fw", "fwd", "wg", "tr", "回复",
];
