//! What a part held before it was encoded for the way (RFC 2045 §6).

use std::borrow::Cow;

use mail_parser::{
    Encoding, MessagePart,
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
