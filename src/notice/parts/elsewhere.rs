//! Parts whose content is not in the mail, or not all of it: kept elsewhere (RFC 2046 §5.2.3, RFC 2017), or
//! one of the pieces that a large mail was sent in (RFC 2046 §5.2.2).

use mail_parser::MessagePart;

use crate::notice::transfer::is_type;

/// Returns what a part stands for, in words; none if it holds its content itself.
pub(super) fn words(part: &MessagePart) -> Option<String> {
    if is_type(part, "message", "external-body") {
        return Some(kept_elsewhere(part));
    }
    if is_type(part, "message", "partial") {
        return Some(piece_of_several(part));
    }
    None
}

fn kept_elsewhere(part: &MessagePart) -> String {
    let say = |name| attribute(part, name);
    let file = say("name").unwrap_or_default();
    let (kind, site) = (say("access-type"), say("site"));
    let place = match (say("url"), kind, site) {
        // It may be folded within its quotation marks.
        (Some(url), _, _) => url.split_whitespace().collect(),
        (None, Some(kind), Some(site)) if is_ftp(kind) => {
            let directory = say("directory").unwrap_or_default();
            let path = [directory.trim_matches('/'), file].join("/");
            format!("ftp://{site}/{}", path.trim_start_matches('/'))
        }
        (None, Some("mail-server"), _) => {
            let server = say("server").unwrap_or_default();
            match say("subject") {
                Some(subject) => {
                    format!("a mail to {server} with the subject \"{subject}\" brings it")
                }
                None => format!("a mail to {server} brings it"),
            }
        }
        (None, Some(kind), _) => format!("{kind} {file}").trim_end().to_owned(),
        (None, None, _) => "it does not say where".to_owned(),
    };
    match say("expiration") {
        Some(until) => format!("Not in this mail, but kept elsewhere until {until}: {place}"),
        None => format!("Not in this mail, but kept elsewhere: {place}"),
    }
}

fn is_ftp(kind: &str) -> bool {
    ["ftp", "anon-ftp", "tftp"]
        .iter()
        .any(|ftp| kind.eq_ignore_ascii_case(ftp))
}

fn piece_of_several(part: &MessagePart) -> String {
    let number = attribute(part, "number").unwrap_or("?");
    let of = attribute(part, "total").map_or(String::new(), |total| format!(" of {total}"));
    format!(
        "Piece {number}{of} of a mail that was sent in several: save them all to put them together."
    )
}

fn attribute<'x>(part: &'x MessagePart, name: &str) -> Option<&'x str> {
    use mail_parser::MimeHeaders;

    let said = part.content_type()?.attribute(name)?.trim();
    (!said.is_empty()).then_some(said)
}
