//! Letters as they are searched for: small, without accents and points, and without what is not to be seen.

use unicode_normalization::UnicodeNormalization;

/// A letter as it is searched for; none for an accent by itself, or what is not to be seen.
pub fn searched(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c.to_ascii_lowercase());
    }
    if is_mark(c) || is_ignorable(c) {
        return None;
    }
    let plain = match c {
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

/// True for characters that are not to be seen (Unicode's Default_Ignorable_Code_Point).
pub fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}'
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
