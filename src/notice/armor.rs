//! OpenPGP in plain text, without MIME (RFC 9580 §6.2, §7).

/// What was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Armor {
    /// Signed text, without what belongs to the signature.
    Signed(String),
    /// Something encrypted stands in it.
    Encrypted,
}

/// Looks for it in a text; none is the rule.
pub(super) fn find(text: &str) -> Option<Armor> {
    if !text.contains("-----BEGIN PGP ") {
        return None;
    }
    let mut lines = text.lines().map(str::trim_end).peekable();
    let mut left = String::with_capacity(text.len());
    let (mut is_signed, mut is_encrypted) = (false, false);
    let mut within = Within::Nothing;
    while let Some(line) = lines.next() {
        match (within, line) {
            (Within::Nothing, SIGNED) => {
                is_signed = true;
                within = Within::Signed;
                // Which hash is meant, up to an empty line.
                while lines.next().is_some_and(|line| !line.is_empty()) {}
            }
            (Within::Signed, SIGNATURE) => within = Within::Signature,
            (Within::Signature, SIGNATURE_END) => within = Within::Nothing,
            (Within::Signature, _) => {}
            (Within::Signed, line) => {
                // Lines that begin with a dash have two.
                left.push_str(line.strip_prefix("- ").unwrap_or(line));
                left.push('\n');
            }
            (Within::Nothing, line) => {
                is_encrypted |= line == MESSAGE;
                left.push_str(line);
                left.push('\n');
            }
        }
    }
    match (is_signed, is_encrypted) {
        (true, _) => Some(Armor::Signed(left)),
        (false, true) => Some(Armor::Encrypted),
        (false, false) => None,
    }
}

#[derive(Clone, Copy)]
enum Within {
    Nothing,
    Signed,
    Signature,
}

const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const SIGNATURE_END: &str = "-----END PGP SIGNATURE-----";
const MESSAGE: &str = "-----BEGIN PGP MESSAGE-----";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Notice;

    const TEXT: &str = "Before.\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nThe key is new.\n- -- \nPriya\n\
                        -----BEGIN PGP SIGNATURE-----\n\niQEzBAEB\n=abcd\n-----END PGP SIGNATURE-----\nBehind.\n";

    #[test]
    fn signed_text_is_read_without_what_signs_it() {
        let found = find(TEXT);

        let expected = "Before.\nThe key is new.\n--\nPriya\nBehind.\n";
        assert_eq!(found, Some(Armor::Signed(expected.to_owned())));
        let notice = Notice::parse(format!("Subject: x\n\n{TEXT}").as_bytes());
        assert!(!notice.text().contains("PGP"), "{}", notice.text());
        assert!(
            notice
                .text()
                .contains("Signed; the signature was not checked.")
        );
    }

    #[test]
    fn what_is_encrypted_is_called_so_and_can_be_piped() {
        let text = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n=abcd\n-----END PGP MESSAGE-----\n";

        assert_eq!(find(text), Some(Armor::Encrypted));
        let notice = Notice::parse(format!("Subject: x\n\n{text}").as_bytes());
        assert!(notice.text().contains("hQEMA"));
        assert!(
            notice
                .text()
                .contains("Encrypted: open it in a mail program that has the key.")
        );
    }

    #[test]
    fn what_is_quoted_or_broken_off_loses_nothing() {
        assert_eq!(find("> -----BEGIN PGP MESSAGE-----\n"), None);
        assert_eq!(find("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"), None);
        let cut = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nAll of it.\n";
        assert_eq!(find(cut), Some(Armor::Signed("All of it.\n".to_owned())));
    }
}
