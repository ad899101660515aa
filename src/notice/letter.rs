//! Letters as they are searched for: small, without accents and points, and without what is not to be seen.

use unicode_normalization::UnicodeNormalization;

use super::shown::is_invisible;

/// A letter as it is searched for; none for an accent by itself, or what is not to be seen.
pub fn searched(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c.to_ascii_lowercase());
    }
    let plain = match c {
        // They part words.
        '\u{2028}' | '\u{2029}' => ' ',
        _ if is_mark(c) || is_invisible(c) => return None,
        'ł' | 'Ł' => 'l',
        'ø' | 'Ø' => 'o',
        'đ' | 'Đ' => 'd',
        'ħ' | 'Ħ' => 'h',
        'ı' => 'i',
        'ς' => 'σ',
        // Full width.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        // Letters of their own: the short i of Cyrillic, kana, syllables of Hangul.
        'й' | 'Й' | '\u{3040}'..='\u{30ff}' | '\u{ac00}'..='\u{d7a3}' => c,
        _ => std::iter::once(c).nfd().next().unwrap_or(c),
    };
    Some(plain.to_lowercase().next().unwrap_or(plain))
}

/// A text of such letters alone; kana of half width are those that they stand for.
pub fn all_searched(text: &str) -> String {
    let is_half = |c: char| ('\u{ff61}'..='\u{ff9f}').contains(&c);
    match text.chars().any(is_half) {
        true => text.nfkc().filter_map(searched).collect(),
        false => text.chars().filter_map(searched).collect(),
    }
}

/// True for accents, and for the points of Hebrew and Arabic, which are mostly left away.
fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}'
            | '\u{591}'..='\u{5bd}'
            | '\u{5bf}'
            | '\u{5c1}'..='\u{5c2}'
            | '\u{5c4}'..='\u{5c7}'
            | '\u{610}'..='\u{61a}'
            | '\u{640}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_case_accents_or_width_alone_is_the_same() {
        for (text, plain) in [
            ("Café CAFE\u{301}", "cafe cafe"),
            ("Ελλάδα ΕΛΛΆΔΑ", "ελλαδα ελλαδα"),
            ("Ёлка мой", "елка мой"),
            ("Łódź Ørsted", "lodz orsted"),
            ("Donau\u{ad}dampf\u{200b}schiff", "donaudampfschiff"),
            ("ＡＢＣ ｶﾞｲﾄﾞ", "abc ガイド"),
            ("שָׁלוֹם مُحَمَّد", "שלום محمد"),
            ("공지 น้ำ がか", "공지 น้ำ がか"),
        ] {
            assert_eq!(all_searched(text), plain);
        }
    }
}
