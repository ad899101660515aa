//! How the items of a list are counted (HTML, section 4.4.5).

/// The mark of an item by its list's `type`; its number where that says nothing, or has no letter for it.
pub(super) fn counted(number: i64, kind: &str) -> String {
    let letter = |first: u8| {
        let place = number
            .checked_sub(1)
            .and_then(|place| u8::try_from(place).ok())
            .filter(|place| *place < 26);
        place.map(|place| char::from(first + place).to_string())
    };
    let counted = match kind {
        "a" => letter(b'a'),
        "A" => letter(b'A'),
        "i" => roman(number).map(|roman| roman.to_ascii_lowercase()),
        "I" => roman(number),
        _ => None,
    };
    counted.unwrap_or_else(|| number.to_string())
}

/// A number as the Romans wrote it, as far as anybody counts so.
fn roman(number: i64) -> Option<String> {
    let mut left = usize::try_from(number)
        .ok()
        .filter(|n| (1..40).contains(n))?;
    let mut roman = String::new();
    for (value, letters) in [(10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")] {
        roman.push_str(&letters.repeat(left / value));
        left %= value;
    }
    Some(roman)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_romans_go_as_far_as_anybody_counts() {
        for (number, kind, expected) in [
            (1, "a", "a"),
            (26, "A", "Z"),
            (27, "a", "27"),
            (4, "i", "iv"),
            (39, "I", "XXXIX"),
            (40, "I", "40"),
            (0, "a", "0"),
            (-3, "I", "-3"),
            (i64::MIN, "a", "-9223372036854775808"),
            (7, "", "7"),
        ] {
            assert_eq!(counted(number, kind), expected, "{number} by {kind}");
        }
    }
}
