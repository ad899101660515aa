//! What a notice takes the place of: an earlier one that it names, or the last one of the same sender
//! and subject if it calls itself a correction; of an appointment, what was told of it before.
//!
//! Whose notice it is, the sender's address and name must say: nobody's notice is replaced by somebody else's.

use mail_parser::Message;
use sha2::{Digest as _, Sha256};

use super::{Address, calendar, facts, headers};

/// What is needed to find out which notices of one sender follow on one another.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Succession {
    /// A digest of the sender's address and of the subject without what calls it a correction.
    pub topic: u64,
    /// True if it calls itself a correction or an update of an earlier one.
    pub corrects: bool,
    /// The key of the notice that it says to supersede (RFC 2156 §2.3.1.2 `Supersedes`, `Replaces`).
    pub supersedes: Option<u64>,
    /// It is about what was sent in so many days before.
    pub days: i64,
}

/// A correction is one of what was sent in so many days before: later it is about another matter.
const DAYS: i64 = 30;

/// Appointments are made long before, and have names of their own.
const APPOINTMENT_DAYS: i64 = 800;

impl Succession {
    /// What the headers of a mail say.
    pub(super) fn of(
        mail: &Message,
        sender: &Address,
        subject: &str,
        appointment: Option<calendar::Identity>,
    ) -> Succession {
        let supersedes = facts::superseded(mail);
        let supersedes = supersedes.as_deref().map(headers::key_of);
        if let Some(appointment) = appointment {
            return Succession {
                topic: topic(sender, &format!("appointment {}", appointment.uid)),
                corrects: appointment.is_later && !sender.address.is_empty(),
                supersedes,
                days: APPOINTMENT_DAYS,
            };
        }
        let (rest, corrects) = without_prefixes(subject);
        Succession {
            topic: topic(sender, rest),
            // What corrects nothing in particular follows on nothing, and so does what is nobody's.
            corrects: corrects
                && rest.chars().any(char::is_alphanumeric)
                && !sender.address.is_empty(),
            supersedes,
            days: DAYS,
        }
    }
}

/// A subject without what calls it a correction, and whether anything did. An answer to a correction
/// is none.
fn without_prefixes(subject: &str) -> (&str, bool) {
    let mut rest = subject.trim();
    let mut found = false;
    while let Some(shorter) = without_prefix(rest) {
        (rest, found) = (shorter, true);
    }
    (rest, found)
}

fn without_prefix(subject: &str) -> Option<&str> {
    let brackets = [
        ("[", "]"),
        ("(", ")"),
        ("【", "】"),
        ("［", "］"),
        ("(", ")"),
    ];
    for (open, close) in brackets {
        let inner = subject
            .strip_prefix(open)
            .and_then(|rest| rest.split_once(close));
        if let Some((word, rest)) = inner
            && is_correction(word)
        {
            return Some(rest.trim_start_matches([':', '：']).trim_start());
        }
    }
    let (word, rest) = subject.split_once([':', '：'])?;
    is_correction(word).then(|| rest.trim_start())
}

/// True for `UPDATE`, `Update 2`, `Correction #3`.
fn is_correction(words: &str) -> bool {
    let words = words.trim().to_lowercase();
    let word = words.trim_end_matches(|c: char| c.is_ascii_digit() || " #.".contains(c));
    WORDS.contains(&word)
}

/// Lists may put their own address in the place of everybody's: the name is left then.
fn topic(sender: &Address, subject: &str) -> u64 {
    let mut digest = Sha256::new();
    digest.update(sender.address.trim().to_lowercase());
    digest.update(b"\n");
    digest.update(sender.name.trim().to_lowercase());
    for word in subject.split_whitespace() {
        digest.update(b"\n");
        digest.update(word.to_lowercase());
    }
    let digest = digest.finalize();
    u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"))
}

/// What senders call a correction, in lower case.
const WORDS: &[&str] = &[
    "amended",
    "amendment",
    "corrected",
    "correction",
    "corrigendum",
    "erratum",
    "revised",
    "revision",
    "update",
    "updated",
    "aktualisiert",
    "aktualisierung",
    "berichtigung",
    "korrektur",
    "korrigiert",
    "correctif",
    "mise à jour",
    "rectificatif",
    "rectification",
    "actualización",
    "actualizado",
    "corrección",
    "rectificación",
    "aggiornamento",
    "correzione",
    "rettifica",
    "atualização",
    "correção",
    "retificação",
    "bijgewerkt",
    "correctie",
    "rectificatie",
    "исправление",
    "обновление",
    "訂正",
    "更新",
    "更正",
];

#[cfg(test)]
mod tests {
    use super::without_prefixes;

    #[test]
    fn a_correction_is_known_by_what_stands_before_its_subject() {
        let cases = [
            ("Correction: Fire drill", "Fire drill", true),
            ("UPDATE: Fire drill", "Fire drill", true),
            ("Update 2: Correction: Fire drill", "Fire drill", true),
            ("[UPDATED] Fire drill", "Fire drill", true),
            ("[Update #3]: Fire drill", "Fire drill", true),
            ("Mise à jour : exercice", "exercice", true),
            ("【訂正】避難訓練のお知らせ", "避難訓練のお知らせ", true),
            ("更正：停电通知", "停电通知", true),
            (
                "Re: Correction: Fire drill",
                "Re: Correction: Fire drill",
                false,
            ),
            (
                "Updates from the kitchen: soup",
                "Updates from the kitchen: soup",
                false,
            ),
            ("[ops] Update", "[ops] Update", false),
            ("Fire drill", "Fire drill", false),
            ("", "", false),
        ];
        for (subject, rest, corrects) in cases {
            assert_eq!(without_prefixes(subject), (rest, corrects), "{subject}");
        }
    }
}
