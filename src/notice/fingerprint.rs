//! What a mail is known by when its unique-id changed.

use sha2::{Digest, Sha256};

/// What stays the same of a mail however a server hands it out: digests that leave out what is added
/// per retrieval, line ends, and white space at the ends of lines.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Fingerprint {
    /// Of Message-ID, Date, From and Subject: TOP n 0 is enough for it.
    pub headers: [u8; 16],
    /// Of all that follows the headers.
    pub body: [u8; 16],
}

impl Fingerprint {
    /// Returns the fingerprint of a whole mail.
    pub fn of(raw: &[u8]) -> Fingerprint {
        // Text without any header is all body.
        let body = match begins_with_field(raw) {
            true => &raw[header_end(raw)..],
            false => raw,
        };
        Fingerprint {
            headers: Fingerprint::of_headers(raw),
            body: body_digest(body),
        }
    }

    /// Returns the headers' half of the fingerprint, from a whole mail or from its headers alone.
    pub fn of_headers(raw: &[u8]) -> [u8; 16] {
        let mut found: [Vec<u8>; 4] = Default::default();
        let mut open: Option<usize> = None;
        for line in raw[..header_end(raw)].split(|&b| b == b'\n') {
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                open.into_iter()
                    .for_each(|field| append_words(&mut found[field], line));
                continue;
            }
            open = STABLE_FIELDS.iter().position(|name| {
                line.get(..name.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(name))
                    && line[name.len()..].trim_ascii_start().starts_with(b":")
            });
            // Of a field that stands there twice the first counts.
            open = open.filter(|&field| found[field].is_empty());
            if let Some(field) = open {
                let value = &line[STABLE_FIELDS[field].len()..].trim_ascii_start()[1..];
                append_words(&mut found[field], value);
            }
        }
        let mut digest = Sha256::new();
        for field in &found {
            digest.update(field);
            digest.update(b"\n");
        }
        first_half(&digest.finalize())
    }
}

/// A mail's headers as a whole, all of them but those that servers add, and what the kept mail is found by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Head {
    /// The headers' half of its fingerprint.
    pub fingerprint: [u8; 16],
    /// A digest of all fields.
    whole: [u8; 16],
}

impl Head {
    /// Returns the head of a mail, or of its headers alone; none if it has no Message-ID or no date, without which
    /// others may have the same.
    pub fn of(raw: &[u8]) -> Option<Head> {
        let headers = &raw[..header_end(raw)];
        let mut digest = Sha256::new();
        let (mut is_added, mut has_name, mut has_date) = (false, false, false);
        for line in headers.split(|&b| b == b'\n') {
            let line = line.trim_ascii_end();
            let goes_on = line.starts_with(b" ") || line.starts_with(b"\t");
            if !goes_on {
                let begins = |name: &[u8]| {
                    line.get(..name.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(name))
                };
                is_added = begins(b"status:") || begins(b"x-");
                has_name |= begins(b"message-id:") && line.len() > b"message-id:".len();
                has_date |= begins(b"date:") && line.len() > b"date:".len();
            }
            if !is_added {
                digest.update(line);
                digest.update(b"\n");
            }
        }
        (has_name && has_date).then(|| Head {
            fingerprint: Fingerprint::of_headers(raw),
            whole: first_half(&digest.finalize()),
        })
    }
}

/// True if the first line is a header field, as `Subject: …`.
fn begins_with_field(raw: &[u8]) -> bool {
    // As some programs leave it.
    if raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        return true;
    }
    let is_of_name = |octet: &&u8| octet.is_ascii_graphic() && **octet != b':';
    let name = raw.iter().take_while(is_of_name).count();
    name > 0 && raw[name..].trim_ascii_start().starts_with(b":")
}

/// Returns where the headers end: after the empty line, or where the mail does.
fn header_end(raw: &[u8]) -> usize {
    let mut at = 0;
    while let Some(newline) = memchr::memchr(b'\n', &raw[at..]) {
        let line = &raw[at..at + newline];
        at += newline + 1;
        if line.is_empty() || line == b"\r" {
            return at;
        }
    }
    raw.len()
}

/// Adds a header line's words with one space between them, so that folding makes no difference.
fn append_words(field: &mut Vec<u8>, line: &[u8]) {
    for word in line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
    {
        if field.len() > FIELD_OCTETS {
            return;
        }
        if !field.is_empty() {
            field.push(b' ');
        }
        field.extend_from_slice(word);
    }
}

/// Digests a body without the white space at the ends of its lines, and without empty lines at its
/// end.
fn body_digest(body: &[u8]) -> [u8; 16] {
    let mut digest = Sha256::new();
    let mut clean = Vec::with_capacity(body.len().min(DIGEST_CHUNK));
    let body = body.trim_ascii_end();
    let ends = memchr::memchr_iter(b'\n', body).chain([body.len()]);
    let mut from = 0;
    for end in ends {
        let line = body[from..end].trim_ascii_end();
        from = end + 1;
        if clean.len() + line.len() >= DIGEST_CHUNK {
            digest.update(&clean);
            clean.clear();
            digest.update(line);
        } else {
            clean.extend_from_slice(line);
        }
        clean.push(b'\n');
    }
    digest.update(&clean);
    first_half(&digest.finalize())
}

fn first_half(digest: &[u8]) -> [u8; 16] {
    digest[..16].try_into().expect("a SHA-256 has 32 bytes")
}

/// POP3.md: what no server rewrites.
const STABLE_FIELDS: [&[u8]; 4] = [b"message-id", b"date", b"from", b"subject"];

/// What tells a field from another stands further ahead.
const FIELD_OCTETS: usize = 1024 * 1024;

/// Memory for digesting one body.
const DIGEST_CHUNK: usize = 64 * 1024;
