//! What a part says that it is, and what it held before it was encoded for the way (RFC 2045 §5, §6).

use std::borrow::Cow;

use mail_parser::{
    Encoding, MessagePart, MimeHeaders,
    decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode},
};

/// Returns a part's bytes as they were before they were encoded for the way.
pub fn transfer_decoded<'x>(part: &MessagePart, raw: &'x [u8]) -> Cow<'x, [u8]> {
    let body = raw
        .get(part.offset_body as usize..part.offset_end as usize)
        .unwrap_or_default();
    let decoded = match part.encoding {
        Encoding::None => None,
        Encoding::Base64 => base64_decode(body),
        Encoding::QuotedPrintable => quoted_printable_decode(body),
    };
    decoded.map_or(Cow::Borrowed(body), Cow::Owned)
}

/// True if a part says that it is of this type.
pub fn is_type(part: &MessagePart, class: &str, sub: &str) -> bool {
    part.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case(class)
            && kind
                .subtype()
                .is_some_and(|own| own.eq_ignore_ascii_case(sub))
    })
}
