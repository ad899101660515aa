//! The parts of a mail (RFC 2046): which of them are its text, and which are files.
//!
//! mail-parser has taken the mail apart; here it is decided what a reader sees of it, in order.

use std::borrow::Cow;

use mail_parser::{ContentType, Encoding, Message, MessagePart, MimeHeaders, PartType};

use super::{
    TextForm,
    armor::{self, Armor},
    charset, files,
    files::{File, Place as FilePlace},
    limits, packed,
    packed::{Packed, Written},
    shown::Shown,
    transfer::{self, is_type, transfer_decoded},
};

mod choice;
mod elsewhere;
mod name;

/// What a mail holds, in order.
#[derive(Debug, Default)]
pub struct Contents<'x> {
    /// Its text.
    pub pieces: Vec<Piece<'x>>,
    /// Its files.
    pub files: Vec<File>,
    /// What was left out and why.
    pub cuts: Vec<Shown>,
    /// True if its text is there in another form too.
    pub has_other_form: bool,
}

/// A piece of a mail's text, not laid out yet.
#[derive(Debug)]
pub enum Piece<'x> {
    /// An appointment (RFC 5545).
    Calendar(Cow<'x, str>),
    /// HTML.
    Html(Cow<'x, str>),
    /// Plain text; of which format says RFC 3676.
    Plain {
        /// The text.
        text: Cow<'x, str>,
        /// How its lines are to be joined.
        format: Format,
    },
    /// What became of a mail that was sent (RFC 3464).
    Status(Cow<'x, str>),
}

/// How the lines of plain text are meant.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// A line is a line.
    #[default]
    Fixed,
    /// A line that ends in a space goes on in the next (RFC 3676, section 4).
    Flowed {
        /// True if that space is not part of the text.
        del_sp: bool,
    },
}

/// Returns what a mail holds.
pub fn contents<'x>(mail: &'x Message<'x>) -> Contents<'x> {
    contents_as(mail, TextForm::Best)
}

/// The same, with the text in this form if there are two.
pub fn contents_as<'x>(mail: &'x Message<'x>, form: TextForm) -> Contents<'x> {
    let mut walk = Walk {
        form,
        mail,
        contents: Contents::default(),
        text_left: TEXT_OCTETS,
        steps: 0,
    };
    walk.part(0, Place::default());
    if walk.contents.pieces.is_empty() && walk.contents.files.is_empty() {
        walk.as_it_stands();
    }
    walk.contents
}

/// Where in the tree a part stands.
#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    /// Only its files are wanted: another alternative was chosen.
    files_only: bool,
    /// It goes with the text before it, as a picture does.
    related: bool,
}

struct Walk<'x> {
    form: TextForm,
    mail: &'x Message<'x>,
    contents: Contents<'x>,
    text_left: usize,
    steps: usize,
}

impl<'x> Walk<'x> {
    fn part(&mut self, id: usize, place: Place) {
        let Some(part) = self.mail.parts.get(id) else {
            return;
        };
        self.steps += 1;
        if place.depth > DEPTH || self.steps > STEPS {
            return self.say("Parts nested deeper than 32 are not shown.");
        }
        let inner = Place {
            depth: place.depth + 1,
            ..place
        };
        if let Some(words) = elsewhere::words(part) {
            let (text, format) = (Cow::Owned(words), Format::Fixed);
            self.contents.pieces.push(Piece::Plain { text, format });
            if !is_type(part, "message", "partial") {
                return;
            }
        }
        match &part.body {
            PartType::Multipart(children) => self.multipart(part, children, inner),
            PartType::Text(text) | PartType::Html(text)
                if !place.files_only && self.is_text(part, id, place) =>
            {
                self.text(part, text)
            }
            PartType::Binary(_) | PartType::InlineBinary(_) if self.by_outlook(part, id) => {}
            PartType::Binary(bytes) if !place.files_only && is_status(part) => {
                let status = self.limited(String::from_utf8_lossy(bytes));
                self.contents.pieces.push(Piece::Status(status));
            }

            // A multipart whose boundary is missing or broken can still be read.
            PartType::Binary(bytes)
                if !place.files_only
                    && part
                        .content_type()
                        .is_some_and(|kind| kind.ctype() == "multipart") =>
            {
                let text = self.limited(String::from_utf8_lossy(bytes));
                self.contents.pieces.push(Piece::Plain {
                    text,
                    format: Format::Fixed,
                });
            }
            _ => self.file(part, id, place),
        }
    }

    /// A multipart in which no part can be found is shown as it came.
    fn as_it_stands(&mut self) {
        let body = self.mail.parts.first().and_then(|part| match &part.body {
            PartType::Multipart(_) => self
                .mail
                .raw_message
                .get(part.offset_body as usize..part.offset_end as usize),
            _ => None,
        });
        let text = body.map(String::from_utf8_lossy).unwrap_or_default();
        let is_field = |line: &str| line.to_ascii_lowercase().starts_with("content-");
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("--") && !is_field(line));
        let text = lines.collect::<Vec<_>>().join("\n");
        if !text.trim().is_empty() {
            let (text, format) = (self.limited(text.into()), Format::Fixed);
            self.contents.pieces.push(Piece::Plain { text, format });
        }
    }

    fn multipart(&mut self, part: &'x MessagePart<'x>, children: &'x [u32], place: Place) {
        let children: Vec<usize> = children.iter().map(|&id| id as usize).collect();
        let subtype = part
            .content_type()
            .and_then(ContentType::subtype)
            .unwrap_or_default()
            .to_ascii_lowercase();
        match subtype.as_str() {
            "alternative" => {
                let (best, other) = choice::best(self.mail, &children);
                self.contents.has_other_form |= other.is_some() && !place.files_only;
                let chosen = match self.form {
                    TextForm::Best => best,
                    TextForm::Other => other.or(best),
                };
                for &child in &children {
                    let is_extra = Some(child) != chosen && !self.is_calendar(child);
                    self.part(
                        child,
                        Place {
                            files_only: place.files_only || is_extra,
                            ..place
                        },
                    );
                }
            }
            "related" => {
                for (index, &child) in children.iter().enumerate() {
                    self.part(
                        child,
                        Place {
                            related: index > 0,
                            ..place
                        },
                    );
                }
            }
            "signed" => {
                children
                    .first()
                    .into_iter()
                    .for_each(|&child| self.part(child, place));
                self.say("Signed; the signature was not checked.");
            }
            "encrypted" => {
                self.say("Encrypted: open it in a mail program that has the key.");
                children.iter().for_each(|&child| {
                    self.part(
                        child,
                        Place {
                            files_only: true,
                            ..place
                        },
                    )
                });
            }
            _ => children.iter().for_each(|&child| self.part(child, place)),
        }
    }

    fn is_calendar(&self, id: usize) -> bool {
        self.mail
            .parts
            .get(id)
            .is_some_and(|part| is_type(part, "text", "calendar"))
    }

    /// True if a part of text is to be read here, and not a file to be opened.
    fn is_text(&self, part: &MessagePart, id: usize, place: Place) -> bool {
        let disposition = part.content_disposition();
        if disposition.is_some_and(ContentType::is_attachment)
            || (place.related && part.content_id().is_some())
        {
            return is_type(part, "text", "calendar");
        }
        let subtype = part
            .content_type()
            .and_then(ContentType::subtype)
            .unwrap_or("plain")
            .to_ascii_lowercase();
        let is_read = matches!(
            subtype.as_str(),
            "plain" | "html" | "calendar" | "enriched" | "richtext" | "markdown"
        );
        let is_named = name::of(part, &self.mail.raw_message).is_some();
        let is_first = self.contents.pieces.is_empty() || id == 0;
        // Headers of a mail that came back are a file beside the report.
        subtype == "calendar" || (subtype != "rfc822-headers" && !is_named) || (is_read && is_first)
    }

    fn text(&mut self, part: &'x MessagePart<'x>, text: &'x str) {
        let text = self.decoded(part, text);
        let kind = part.content_type();
        let attribute = |name| {
            kind.and_then(|kind| kind.attribute(name))
                .unwrap_or_default()
        };
        let piece = match kind
            .and_then(ContentType::subtype)
            .unwrap_or("plain")
            .to_ascii_lowercase()
            .as_str()
        {
            "html" => Piece::Html(text),
            // RFC 1896: tags, and paragraphs parted by empty lines.
            "enriched" | "richtext" => {
                Piece::Html(text.replace("\r\n", "\n").replace("\n\n", "<p>").into())
            }
            "calendar" => {
                self.file(part, self.id_of(part), Place::default());
                Piece::Calendar(text)
            }
            _ => {
                let text = self.of_so_many_lines(text);
                let flowed = attribute("format").eq_ignore_ascii_case("flowed");
                let del_sp = attribute("delsp").eq_ignore_ascii_case("yes");
                let format = if flowed {
                    Format::Flowed { del_sp }
                } else {
                    Format::Fixed
                };
                let found = packed::in_text(part, &self.mail.raw_message, &text);
                let text = match found {
                    Some((left, files)) => {
                        if files.len() == packed::MOST_WRITTEN {
                            self.say("Only the first 200 files that are written into the text are taken out of it.");
                        }
                        self.packed_files(self.id_of(part), files);
                        Cow::Owned(left)
                    }
                    None => text,
                };
                let text = match armor::find(&text) {
                    Some(Armor::Signed(inner)) => {
                        self.say("Signed; the signature was not checked.");
                        Cow::Owned(inner)
                    }
                    Some(Armor::Encrypted) => {
                        self.say("Encrypted: open it in a mail program that has the key.");
                        text
                    }
                    None => text,
                };
                Piece::Plain { text, format }
            }
        };
        self.contents.pieces.push(piece);
    }

    /// Returns a part's text, decoded once more where mail-parser had no charset to go by.
    fn decoded(&mut self, part: &MessagePart, text: &'x str) -> Cow<'x, str> {
        let kind = part.content_type();
        let said = kind
            .and_then(|kind| kind.attribute("charset"))
            .unwrap_or_default();
        if let Some((octets, words)) = transfer::with_words_behind(part, &self.mail.raw_message) {
            let text = charset::of_octets(said, &octets);
            return self.limited(Cow::Owned(format!("{text}\n\n{words}")));
        }
        if let Some(text) = charset::not_encoded(part, &self.mail.raw_message) {
            return self.limited(text);
        }
        if !charset::is_known(said) {
            let said = Shown::line(said).cut_to(CHARSET_COLUMNS);
            let words = format!("Part shown as plain bytes: unknown charset {said}");
            self.contents.cuts.push(Shown::line(&words));
        }
        let raw = || transfer_decoded(part, &self.mail.raw_message);
        let text = charset::corrected(said, text, raw).map_or(Cow::Borrowed(text), Cow::Owned);
        self.limited(text)
    }

    /// Returns the text as far as the limit on all text allows.
    fn limited<'t>(&mut self, text: Cow<'t, str>) -> Cow<'t, str> {
        let kept = text.floor_char_boundary(self.text_left);
        self.text_left -= kept;
        if kept == text.len() {
            return text;
        }
        self.say("Cut here: only 4 MB of text are shown; save the mail to see all.");
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..kept]),
            Cow::Owned(mut text) => {
                text.truncate(kept);
                Cow::Owned(text)
            }
        }
    }

    /// Returns the text as far as anybody scrolls.
    fn of_so_many_lines<'t>(&mut self, text: Cow<'t, str>) -> Cow<'t, str> {
        let Some((end, _)) = text.match_indices('\n').nth(LINES) else {
            return text;
        };
        self.say("Cut here: only the first 100,000 lines are shown; save the mail to see all.");
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
            Cow::Owned(mut text) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        }
    }

    fn file(&mut self, part: &MessagePart, id: usize, place: Place) {
        let name = name::of(part, &self.mail.raw_message);
        let kind = part.content_type();
        let content_type = kind.map_or("text/plain".to_owned(), |kind| {
            format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default())
        });

        let closed = format!("message/{}", limits::CLOSED);
        let content_type = content_type
            .to_ascii_lowercase()
            .replace(&closed, "message/rfc822");

        if content_type.ends_with("pkcs7-mime") {
            let of = kind
                .and_then(|kind| kind.attribute("smime-type"))
                .unwrap_or_default();
            self.say(match of.eq_ignore_ascii_case("signed-data") {
                true => "Within a signature: open it in a mail program that knows S/MIME.",
                false => "Encrypted: open it in a mail program that has the key.",
            });
        }
        let is_signature = ["pgp-signature", "pkcs7-signature"]
            .iter()
            .any(|word| content_type.ends_with(word));
        let is_unchosen = place.files_only
            && name.is_none()
            && matches!(part.body, PartType::Text(_) | PartType::Html(_));
        if is_signature || is_unchosen {
            return;
        }
        let fallback = files::fallback_name(part, &content_type, id);
        let name = files::safe_name(&name.unwrap_or_default(), &fallback);
        let size = match &part.body {
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes.len(),
            PartType::Text(_) | PartType::Html(_) => {
                transfer_decoded(part, &self.mail.raw_message).len()
            }
            PartType::Message(mail) if part.encoding != Encoding::None => mail.raw_message.len(),
            PartType::Message(_) | PartType::Multipart(_) => {
                part.offset_end.saturating_sub(part.offset_body) as usize
            }
        };
        let inline = place.related && part.content_id().is_some();
        let content_type = Shown::line(&content_type).cut_to(TYPE_COLUMNS);
        self.contents.files.push(File {
            name,
            content_type,
            size: size as u64,
            place: FilePlace {
                part: id,
                packed: None,
            },
            inline,
        });
    }

    /// Takes out what Outlook has packed into a part; false if it has not. Its text is that of the mail,
    /// unless there is some already.
    fn by_outlook(&mut self, part: &'x MessagePart<'x>, id: usize) -> bool {
        let Some(unpacked) = packed::by_outlook(part) else {
            return false;
        };
        let has_text = !self.contents.pieces.is_empty();
        let is_another = has_text && unpacked.text.is_some();
        match unpacked.text.filter(|_| !has_text) {
            Some(Written::Html(text)) => {
                let text = self.limited(text.into());
                self.contents.pieces.push(Piece::Html(text));
            }
            Some(Written::Plain(text)) => {
                let text = self.limited(text.into());
                let format = Format::Fixed;
                self.contents.pieces.push(Piece::Plain { text, format });
            }
            // What cannot be read is a file like any other.
            None if unpacked.files.is_empty() => return false,
            None => {}
        }
        if is_another {
            // It can be had as it came.
            self.file(part, id, Place::default());
        }
        self.packed_files(id, unpacked.files);
        true
    }

    fn packed_files(&mut self, id: usize, files: Vec<Packed>) {
        for (place, file) in files.into_iter().enumerate() {
            let name = files::safe_name(&file.name, &format!("part-{id}-{}.bin", place + 1));
            self.contents.files.push(File {
                content_type: files::type_of(&name),
                size: file.bytes.len() as u64,
                place: FilePlace {
                    part: id,
                    packed: Some(place),
                },
                inline: false,
                name,
            });
        }
    }

    fn id_of(&self, part: &MessagePart) -> usize {
        self.mail
            .parts
            .iter()
            .position(|other| std::ptr::eq(other, part))
            .unwrap_or_default()
    }

    fn say(&mut self, words: &'static str) {
        let words = Shown::from_static(words);
        if !self.contents.cuts.contains(&words) {
            self.contents.cuts.push(words);
        }
    }
}

/// What became of a mail that was sent (RFC 3464 §2.1, RFC 6533 §3).
fn is_status(part: &MessagePart) -> bool {
    ["delivery-status", "global-delivery-status"]
        .iter()
        .any(|sub| is_type(part, "message", sub))
}

/// SECURITY.md P2.1.
const DEPTH: usize = 32;

/// SECURITY.md P2.1: 1,000 parts; with the multiparts around them.
const STEPS: usize = 4000;

/// SECURITY.md P2.1: decoded text kept for display.
const TEXT_OCTETS: usize = 4 * 1024 * 1024;

/// A paragraph of one line takes hundreds of times what it says.
const LINES: usize = 100_000;

/// What is shown of a charset's name.
const CHARSET_COLUMNS: usize = 40;

/// RFC 6838 allows 127 octets for each half.
const TYPE_COLUMNS: usize = 120;
