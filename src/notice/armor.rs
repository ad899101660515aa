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
    let mut left = String::with_capacity(text.len());
    let (mut is_signed, mut is_encrypted) = (false, false);
    let mut within = Within::Nothing;
    // Lines of a signature: without an end it is none.
    let mut signature = Vec::new();
    for line in text.split_inclusive('\n') {
        match (within, line.trim()) {
            (Within::Nothing, SIGNED) => {
                is_signed = true;
                within = Within::Head;
            }
            // Which hash is meant (RFC 9580 §6.2.2), up to an empty line.
            (Within::Head, "") => within = Within::Signed,
            (Within::Head, head) if head.starts_with("Hash:") || head.starts_with("Charset:") => {}
            (Within::Head | Within::Signed, SIGNATURE) => {
                within = Within::Signature;
                signature.push(line);
            }
            (Within::Head | Within::Signed, _) => {
                within = Within::Signed;
                // Lines that begin with a dash have two.
                left.push_str(line.strip_prefix("- ").unwrap_or(line));
            }
            (Within::Signature, SIGNATURE_END) => {
                within = Within::Nothing;
                signature.clear();
            }
            (Within::Signature, _) => signature.push(line),
            (Within::Nothing, trimmed) => {
                is_encrypted |= trimmed == MESSAGE;
                left.push_str(line);
            }
        }
    }
    left.extend(signature);
    match (is_signed, is_encrypted) {
        (true, _) => Some(Armor::Signed(left)),
        (false, true) => Some(Armor::Encrypted),
        (false, false) => None,
    }
}

#[derive(Clone, Copy)]
enum Within {
    Nothing,
    Head,
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

        let expected = "Before.\nThe key is new.\n-- \nPriya\nBehind.\n";
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
        let headless = "-----BEGIN PGP SIGNED MESSAGE-----\nThe office is closed.\nBring your badge.\n\nBye \nall.\n";
        let all = "The office is closed.\nBring your badge.\n\nBye \nall.\n";
        assert_eq!(
            find(headless),
            Some(Armor::Signed(all.to_owned())),
            "and a line that goes on goes on"
        );
        let endless = "-----BEGIN PGP SIGNED MESSAGE-----\n\nAll.\n-----BEGIN PGP SIGNATURE-----\nabc\n\nIMPORTANT: closed.\n";
        let Some(Armor::Signed(text)) = find(endless) else {
            panic!("it is signed");
        };
        assert!(text.ends_with("IMPORTANT: closed.\n"), "{text}");
        let indented = endless.replace("abc\n", "abc\n -----END PGP SIGNATURE-----\n");
        let Some(Armor::Signed(text)) = find(&indented) else {
            panic!("it is signed");
        };
        assert_eq!(text, "All.\n\nIMPORTANT: closed.\n");
    }
}
