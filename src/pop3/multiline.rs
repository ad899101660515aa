//! Byte-stuffing, and the lone dot that ends a multi-line answer (RFC 1939 §3).
//!
//! [`Unstuffer`] takes bytes as they come, in whatever pieces, and gives the pieces of the message
//! without copying them; [`Stuffer`] does the way back, and makes every line end a CRLF.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

/// Takes stuffed bytes apart, keeping only what it must know of the bytes before.
///
/// Some servers end their lines with a bare LF. A server that ends them with CRLF may pass on a mail
/// that holds a bare LF and a dot: that ends nothing, or the mail could speak in the server's name.
/// So a bare LF counts only where the answer's first line ended with one, or as long as no CRLF has
/// come.
#[derive(Debug)]
pub struct Unstuffer {
    /// The server ends its own lines with a bare LF.
    by_lf: bool,
    /// What has ended the line before, where the next byte begins one.
    line_end: Option<LineEnd>,
    /// A line of this body ended with CRLF.
    has_crlf: bool,
    /// The byte before was a CR.
    carriage_return: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum LineEnd {
    Crlf,
    Lf,
}

impl Default for Unstuffer {
    fn default() -> Unstuffer {
        Unstuffer {
            by_lf: false,
            line_end: Some(LineEnd::Crlf),
            has_crlf: false,
            carriage_return: false,
        }
    }
}

/// What the next bytes are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece {
    /// A part of the body.
    Body(Bytes),
    /// The lone dot: the answer is over.
    End,
}

impl Unstuffer {
    /// For the body behind this first line, its end included.
    pub fn behind(first_line: &[u8]) -> Unstuffer {
        Unstuffer {
            by_lf: !first_line.ends_with(b"\r\n"),
            ..Unstuffer::default()
        }
    }

    /// Takes the next piece from the front of `source`; none if more bytes are needed.
    pub fn next(&mut self, source: &mut BytesMut) -> Option<Piece> {
        if source.is_empty() {
            return None;
        }
        let begins_line = match self.line_end {
            Some(LineEnd::Crlf) => true,
            Some(LineEnd::Lf) => self.by_lf || !self.has_crlf,
            None => false,
        };
        if begins_line && source[0] == b'.' {
            match source.get(1..) {
                Some([b'\n', ..]) => {
                    source.advance(2);
                    return Some(Piece::End);
                }
                Some([b'\r', b'\n', ..]) => {
                    source.advance(3);
                    return Some(Piece::End);
                }
                Some([] | [b'\r']) | None => return None,
                // The sender doubled the dot: the first is not part of the line.
                Some([b'.', ..]) => source.advance(1),
                // A sender that does not stuff: only a dot alone on its line ends the answer.
                Some(_) => {}
            }
        }
        // Up to the next line that starts with a dot, or all there is. A first byte that is a dot
        // was dealt with above, so the search begins behind it.
        let end = match memmem::find(&source[..], b"\n.") {
            Some(newline) => newline + 1,
            None => source.len(),
        };
        let piece = source.split_to(end).freeze();
        self.note(&piece);
        Some(Piece::Body(piece))
    }

    fn note(&mut self, piece: &[u8]) {
        let is_crlf_cut = self.carriage_return && piece[0] == b'\n';
        self.has_crlf = self.has_crlf || is_crlf_cut || memmem::find(piece, b"\r\n").is_some();
        self.line_end = match piece {
            [.., b'\r', b'\n'] => Some(LineEnd::Crlf),
            [b'\n'] if is_crlf_cut => Some(LineEnd::Crlf),
            [.., b'\n'] => Some(LineEnd::Lf),
            _ => None,
        };
        self.carriage_return = piece.ends_with(b"\r");
    }
}

/// Stuffs a body that comes in pieces, cut anywhere, and makes every line end a CRLF.
#[derive(Clone, Debug, Default)]
pub struct Stuffer {
    in_line: bool,
    /// The last octet was a CR: half a line end, if an LF follows.
    carriage_return: bool,
}

impl Stuffer {
    /// Appends the next piece stuffed. A bare CR stays as it is (it is not a line end).
    pub fn push(&mut self, piece: &[u8], out: &mut BytesMut) {
        let Some(first) = piece.first() else { return };
        out.reserve(piece.len() + piece.len() / 32 + 8);
        if self.carriage_return && *first != b'\n' {
            out.extend_from_slice(b"\r");
            self.in_line = true;
        }
        self.carriage_return = false;

        let mut rest = piece;
        while !rest.is_empty() {
            self.line_start(rest[0], out);
            let Some(newline) = memchr::memchr(b'\n', rest) else {
                let line = rest.strip_suffix(b"\r").unwrap_or(rest);
                self.carriage_return = line.len() < rest.len();
                self.in_line |= !line.is_empty();
                out.extend_from_slice(line);
                return;
            };
            let line = &rest[..newline];
            out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            out.extend_from_slice(b"\r\n");
            self.in_line = false;
            rest = &rest[newline + 1..];
        }
    }

    /// Ends the body, and is ready for another. A last line without an end gets one: the line end
    /// before the lone dot is the answer's (RFC 1939 §3).
    pub fn finish(&mut self, out: &mut BytesMut) {
        if self.in_line || self.carriage_return {
            out.extend_from_slice(b"\r\n");
        }
        *self = Stuffer::default();
        out.extend_from_slice(b".\r\n");
    }

    fn line_start(&self, first: u8, out: &mut BytesMut) {
        if !self.in_line && first == b'.' {
            out.extend_from_slice(b".");
        }
    }
}

/// Appends `body` stuffed, every line end as CRLF, and the lone dot.
pub fn stuff(body: &[u8], out: &mut BytesMut) {
    let mut stuffer = Stuffer::default();
    stuffer.push(body, out);
    stuffer.finish(out);
}

/// How many octets RETR yields for a stored body, un-stuffed, without the lone dot (RFC 1939 §11).
pub fn octets(body: &[u8]) -> u64 {
    let mut octets = body.len() as u64;
    for newline in memchr::memchr_iter(b'\n', body) {
        if newline == 0 || body[newline - 1] != b'\r' {
            octets += 1;
        }
    }
    match body.last() {
        None | Some(b'\n') => octets,
        // Half a line end: the other half is added.
        Some(b'\r') => octets + 1,
        Some(_) => octets + 2,
    }
}
