//! The files attached to a mail, and the names under which they may be saved.
//!
//! Nothing here touches a disk: it decides names, types and what is a program.

use std::ops::Range;

use mail_parser::{Encoding, Message, MessageParser, MessagePart, PartType};

use super::{
    Notice, TextForm, guard,
    limits::{self, Bounded},
    packed,
    shown::Shown,
    transfer::transfer_decoded,
};

/// An attachment, as it is listed. Its bytes come from [`bytes()`] on demand.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its name, made safe to draw and to save under.
    pub name: Shown,
    /// Its media type, as `application/pdf`.
    pub content_type: Shown,
    /// Its size decoded, in octets.
    pub size: u64,
    /// Where it is in the mail, for fetching its bytes.
    pub place: Place,
    /// True if it belongs into the text, as the picture of a letterhead does.
    pub inline: bool,
}

/// Where a file is in a mail.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place {
    /// Which part of the mail.
    pub part: usize,
    /// Which of the files that are packed into that part (uuencode, winmail.dat), if it is one of these.
    pub packed: Option<usize>,
}

/// The way to a file: through the mails that are in the mail, one in the other.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Way([Option<Place>; DEEPEST]);

impl Way {
    /// The way on from here; none if it has become too long.
    pub fn to(mut self, place: Place) -> Option<Way> {
        *self.0.iter_mut().find(|step| step.is_none())? = Some(place);
        Some(self)
    }

    /// The way to what this one is in.
    pub fn back(mut self) -> Way {
        if let Some(last) = self.0.iter_mut().rev().find(|step| step.is_some()) {
            *last = None;
        }
        self
    }

    /// True if it leads nowhere: to the mail itself.
    pub fn is_empty(self) -> bool {
        self.0[0].is_none()
    }

    /// The file at its end, and its bytes; none if there is none.
    pub fn file(self, raw: &[u8]) -> Option<(File, Vec<u8>)> {
        let mut found: Option<(File, Vec<u8>)> = None;
        for place in self.0.into_iter().flatten() {
            let mail = found.as_ref().map_or(raw, |(_, bytes)| bytes);
            // What is text in one form may be a file in the other.
            let forms = [TextForm::Best, TextForm::Other];
            let file = forms.into_iter().find_map(|form| {
                let files = Notice::parse_as(mail, form).files;
                files.into_iter().find(|file| file.place == place)
            })?;
            let bytes = bytes(mail, place)?;
            found = Some((file, bytes));
        }
        found
    }
}

impl File {
    /// Returns its kind in a word (`PDF`, `CSV`).
    pub fn kind(&self) -> Shown {
        kind(&self.name, &self.content_type)
    }

    /// Returns its size in words (`48 KB`).
    pub fn size_text(&self) -> Shown {
        size_text(self.size)
    }

    /// Returns true if it may be saved, but never opened.
    pub fn is_program(&self) -> bool {
        is_program(&self.name, &self.content_type)
    }
}

/// Returns the decoded bytes of a mail's file, by [`File::place`]; none if there is no such file.
pub fn bytes(raw: &[u8], place: Place) -> Option<Vec<u8>> {
    guard::without_panic(|| {
        let bounded = limits::bounded(raw);
        let mail = MessageParser::new().parse(&*bounded.raw)?;
        let part = mail.parts.get(place.part)?;
        if let Some(packed) = place.packed {
            return packed::bytes(part, &bounded.raw, packed);
        }
        let bytes = match &part.body {
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes.clone(),
            PartType::Message(inner) if part.encoding != Encoding::None => {
                inner.raw_message.clone()
            }
            // As it came, without what makes it readable here.
            PartType::Message(_) => raw.get(bounded.original(range_of(part)))?.into(),
            // Text is saved as it was sent, not as it was decoded for display.
            PartType::Text(_) | PartType::Html(_) | PartType::Multipart(_) => {
                transfer_decoded(part, &bounded.raw)
            }
        };
        Some(bytes.into_owned())
    })?
}

/// How large a mail within a mail is, as it came; none if the file is no such mail.
pub(super) fn size_of_mail(mail: &Message, bounded: &Bounded, place: Place) -> Option<u64> {
    let part = mail
        .parts
        .get(place.part)
        .filter(|_| place.packed.is_none())?;
    let is_mail = matches!(part.body, PartType::Message(_)) && part.encoding == Encoding::None;
    is_mail.then(|| bounded.original(range_of(part)).len() as u64)
}

fn range_of(part: &MessagePart) -> Range<usize> {
    part.offset_body as usize..part.offset_end as usize
}

/// Returns a name to save a file under: one component, nothing hidden or reserved, at most 200
/// octets, its ending kept. Never empty.
pub fn safe_name(name: &str, fallback: &str) -> Shown {
    let shown = Shown::line(name);
    let last = shown
        .rsplit(['/', '\\'])
        .find(|part| !part.trim().is_empty())
        .unwrap_or_default();
    let clean: String = last
        .chars()
        .map(|c| if is_awkward(c) { '_' } else { c })
        .collect();
    let clean = clean
        .trim_start_matches(['.', '-', ' ', '~'])
        .trim_end_matches(['.', ' ']);
    let clean = if clean.is_empty() { fallback } else { clean };
    let (stem, ending) = split_ending(clean);
    let is_reserved = RESERVED.iter().any(|name| {
        stem.split('.')
            .next()
            .unwrap_or_default()
            .trim_end()
            .eq_ignore_ascii_case(name)
    });
    let stem = if is_reserved {
        format!("_{stem}")
    } else {
        stem.to_owned()
    };
    let room = NAME_OCTETS - ending.len();
    Shown::line(&format!("{}{ending}", cut_octets(&stem, room).trim_end()))
}

/// Returns a name for a part that has none of its own.
pub fn fallback_name(part: &MessagePart, content_type: &str, id: usize) -> String {
    if let PartType::Message(mail) = &part.body {
        let subject = mail
            .subject()
            .map(|subject| safe_name(&subject.replace(['/', '\\'], "-"), "mail"));
        return format!(
            "{}.eml",
            subject.map_or("mail".to_owned(), |subject| subject.cut_to(60).to_string())
        );
    }
    let ending = match content_type {
        "text/plain" => "txt",
        "message/rfc822" | "message/global" => "eml",
        "message/feedback-report" => return "feedback-report.txt".to_owned(),
        "message/disposition-notification" => return "disposition-notification.txt".to_owned(),
        "text/rfc822-headers" => return "headers.txt".to_owned(),
        "text/calendar" => return "invite.ics".to_owned(),
        "image/jpeg" => "jpg",
        "image/svg+xml" => "svg",
        "application/octet-stream" => "bin",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => return "smime.p7m".to_owned(),
        other => other
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .trim_start_matches("x-"),
    };
    let ending = if ending.is_empty() || ending.len() > 8 {
        "bin"
    } else {
        ending
    };
    format!("part-{id}.{ending}")
}

/// Returns the type of a file that has none but its name.
pub fn type_of(name: &str) -> Shown {
    let guessed = mime_guess::from_path(name).first_or_octet_stream();
    Shown::line(guessed.essence_str())
}

/// Returns a kind of file in a word, from its name's ending or its type.
pub fn kind(name: &str, content_type: &str) -> Shown {
    let ending = split_ending(name)
        .1
        .trim_start_matches('.')
        .to_ascii_uppercase();
    let is_word =
        (2..=5).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric());
    let of_type = || {
        let (class, sub) = content_type.split_once('/').unwrap_or((content_type, ""));
        let sub = sub
            .trim_start_matches("x-")
            .split(['.', '+', '-'])
            .next_back()
            .unwrap_or_default();
        match (class, sub) {
            ("message", _) => "mail".to_owned(),
            (_, "stream" | "") => "file".to_owned(),
            (_, "plain") => "text".to_owned(),
            (_, sub) if sub.len() <= 8 => sub.to_ascii_uppercase(),
            (class, _) => class.to_owned(),
        }
    };
    match (is_word, ending.as_str()) {
        (true, "EML") => Shown::from_static("mail"),
        (true, "TXT") => Shown::from_static("text"),
        (true, ending) => Shown::line(ending),
        (false, _) => Shown::line(&of_type()),
    }
}

/// Returns a size in words: `24 B`, `48 KB`, `1.5 MB`.
pub fn size_text(octets: u64) -> Shown {
    const KB: u64 = 1024;
    const MB: u64 = KB * KB;
    const GB: u64 = KB * MB;
    let tenths = |unit: u64, name| match octets * 10 / unit {
        tenths @ ..100 => format!("{}.{} {name}", tenths / 10, tenths % 10),
        tenths => format!("{} {name}", tenths / 10),
    };
    Shown::line(&match octets {
        ..KB => format!("{octets} B"),
        KB..MB => format!("{} KB", octets.div_ceil(KB)),
        MB..GB => tenths(MB, "MB"),
        _ => tenths(GB, "GB"),
    })
}

/// Returns true for what a computer might run: save only. Both the name and the type are looked
/// at, since senders may lie in either.
pub fn is_program(name: &str, content_type: &str) -> bool {
    let mut endings = name
        .rsplit('.')
        .take(2)
        .map(|ending| ending.trim().to_ascii_lowercase());
    let by_name = name.contains('.')
        && endings
            .next()
            .is_some_and(|ending| PROGRAM_ENDINGS.contains(&ending.as_str()));
    let by_type = PROGRAM_TYPES
        .iter()
        .any(|word| content_type.to_ascii_lowercase().contains(word));
    by_name || by_type
}

fn is_awkward(c: char) -> bool {
    matches!(
        c,
        '<' | '>' | ':' | '"' | '|' | '?' | '*' | '␛' | '\u{fffd}' | '\n'
    ) || c.is_control()
}

/// Splits off the ending with its dot; a name that is all ending has none.
fn split_ending(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= ENDING_OCTETS => name.split_at(dot),
        _ => (name, ""),
    }
}

fn cut_octets(text: &str, octets: usize) -> &str {
    &text[..text.floor_char_boundary(octets)]
}

/// Nobody passes a mail on in a mail in a mail more often.
const DEEPEST: usize = 4;

/// SECURITY.md P5.1; file systems allow 255, and ` (2)` and a temporary ending are added.
const NAME_OCTETS: usize = 200;

/// A longer one is part of the name.
const ENDING_OCTETS: usize = 16;

/// Names that Windows takes for devices, whatever their ending.
const RESERVED: [&str; 23] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "conin$",
];

/// Endings of programs, scripts, links, installers, and office files with macros.
const PROGRAM_ENDINGS: [&str; 66] = [
    "exe", "com", "bat", "cmd", "msi", "msp", "scr", "pif", "cpl", "dll", "sys", "vbs", "vbe",
    "js", "jse", "ws", "wsf", "wsh", "wsc", "ps1", "psm1", "hta", "chm", "reg", "inf", "lnk",
    "url", "scf", "jar", "class", "jnlp", "sh", "bash", "zsh", "fish", "csh", "ksh", "py", "pyc",
    "pyw", "pl", "rb", "php", "lua", "tcl", "desktop", "appimage", "run", "bin", "out", "elf",
    "so", "deb", "rpm", "apk", "dmg", "pkg", "app", "command", "workflow", "docm", "xlsm", "pptm",
    "dotm", "xll", "iso",
];

/// Words in the media types of the same.
const PROGRAM_TYPES: [&str; 14] = [
    "executable",
    "x-msdownload",
    "x-msdos-program",
    "x-dosexec",
    "x-sh",
    "shellscript",
    "javascript",
    "x-python",
    "x-perl",
    "x-desktop",
    "java-archive",
    "x-ms-shortcut",
    "macroenabled",
    "x-msi",
];
