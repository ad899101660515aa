//! Words that are written so that they are taken for others: letters of several alphabets in one word, or of one that
//! look like those of another (Unicode Technical Standard #39).

use unicode_script::{Script, UnicodeScript};
use unicode_security::{
    RestrictionLevel, RestrictionLevelDetection, confusable_detection::skeleton,
};

/// A word that no language mixes so, and what it looks like in Latin letters.
pub(super) fn of_words(text: &str) -> Option<(&str, String)> {
    if text.is_ascii() {
        return None;
    }
    let words = text.split(|c: char| !c.is_alphanumeric());
    let mut odd = words.filter(|word| mixes_alphabets(word));
    let word = odd.next()?;
    Some((word, latin(word)?))
}

/// What a host looks like, if one of its labels is not what it looks like.
pub(super) fn of_host(host: &str) -> Option<String> {
    if host.is_ascii() && !host.contains("xn--") {
        return None;
    }
    let (unicode, _) = idna::domain_to_unicode(host);
    let ending = unicode.rsplit('.').next().unwrap_or_default();
    // In a country with letters of its own the whole name is written in them.
    let is_latin = ending.is_ascii() && !ending.starts_with("xn--");
    let looks = |label: &str| match label.is_ascii() {
        true => Some(label.to_owned()),
        false => latin(label).filter(|like| like.is_ascii()),
    };
    // `læge` and `cœur` are written so.
    let is_of_latin = |label: &str| {
        let mut letters = label.chars().filter(|c| c.is_alphabetic());
        letters.all(|c| c.script() == Script::Latin)
    };
    let has_odd = unicode.split('.').any(|label| {
        let is_odd = is_latin && !label.is_ascii() && !is_of_latin(label);
        mixes_alphabets(label) || (is_odd && looks(label).is_some())
    });
    if !has_odd {
        return None;
    }
    let labels: Vec<String> = unicode
        .split('.')
        .map(|label| looks(label).unwrap_or_else(|| label.to_owned()))
        .collect();
    Some(labels.join("."))
}

/// True for Latin with Greek or Cyrillic letters and the like; Japanese and Korean mix with Latin by right.
fn mixes_alphabets(word: &str) -> bool {
    if word.is_ascii() {
        return false;
    }
    let letters: String = word.chars().filter(|c| c.is_alphabetic()).collect();
    let is_mixed = letters.detect_restriction_level() == RestrictionLevel::MinimallyRestrictive;
    is_mixed && latin(word).is_some()
}

/// What a word looks like in Latin letters; none if one of its letters looks like none of them.
fn latin(word: &str) -> Option<String> {
    let mut like = String::with_capacity(word.len());
    for c in word.chars() {
        match c.is_ascii() {
            // Of these only the others are taken for them.
            true => like.push(c),
            false => like.extend(skeleton(c.encode_utf8(&mut [0; 4]))),
        }
    }
    like.is_ascii().then_some(like)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_several_alphabets_are_told() {
        // Cyrillic Er and Ie; Greek Omicron.
        for (name, word, like) in [
            ("\u{420}riya N.", "\u{420}riya", "Priya"),
            ("IT H\u{435}lpdesk", "H\u{435}lpdesk", "Helpdesk"),
            ("Micr\u{3bf}soft", "Micr\u{3bf}soft", "Microsoft"),
        ] {
            assert_eq!(of_words(name), Some((word, like.to_owned())));
        }
    }

    #[test]
    fn words_of_one_language_are_not() {
        for name in [
            "Priya",
            "Vera \u{412}\u{435}\u{440}\u{430}",
            "IT-\u{43e}\u{442}\u{434}\u{435}\u{43b}",
            "\u{421}\u{43e}\u{440}",
            "Jos\u{e9} \u{141}ukasz \u{df}",
            "\u{6771}\u{4eac}Tower\u{3067}\u{3059}",
            "\u{d55c}\u{ad6d}SK",
            "\u{1f600} team \u{1f44d}\u{1f3fd}",
            "10 \u{b5}m",
            "\u{3a9}\u{3bc}\u{3ad}\u{3b3}\u{3b1}",
        ] {
            assert_eq!(of_words(name), None, "{name}");
        }
    }

    #[test]
    fn hosts_that_look_like_others_are_told() {
        for (host, like) in [
            ("xn--pple-43d.com", "apple.com"),
            ("\u{430}pple.com", "apple.com"),
            ("www.xn--80ak6aa92e.com", "www.apple.com"),
            ("te\u{430}m.example", "team.example"),
        ] {
            assert_eq!(of_host(host).as_deref(), Some(like), "{host}");
        }
        for host in [
            "team.example",
            "xn--mnchen-3ya.example",
            "xn--e1afmkfd.xn--p1ai",
            "xn--h1ahn.xn--p1acf",
            "xn--wgv71a119e.jp",
            "xn--lge-yla.dk",
            "c\u{153}ur.fr",
            "yaz\u{131}l\u{131}m.com.tr",
        ] {
            assert_eq!(of_host(host), None, "{host}");
        }
    }
}
