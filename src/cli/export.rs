//! A notice in another form than the mail that came: text, Markdown, HTML, JSON, and several as one mbox.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::Path,
};

use clap::ValueEnum;
use jiff::Timestamp;

use super::{
    failure::{self, Failure},
    show,
};
use crate::{
    notice::Notice,
    server::{folder::Folder, maildir::Maildir, mbox},
    store::Store,
};

/// The form in which a notice is saved.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum SaveForm {
    /// The mail as it came.
    #[default]
    Eml,
    /// The text as `show` has it.
    Txt,
    /// The text with its subject as a heading.
    Md,
    /// Its HTML, which may load nothing from elsewhere.
    Html,
    /// As `show --json` has it.
    Json,
    /// A mailbox of one mail.
    Mbox,
    /// Into a Maildir, which the folder is then.
    Maildir,
}

impl SaveForm {
    /// The ending of its file's name.
    pub fn ending(self) -> &'static str {
        match self {
            SaveForm::Eml => "eml",
            SaveForm::Txt => "txt",
            SaveForm::Md => "md",
            SaveForm::Html => "html",
            SaveForm::Json => "json",
            SaveForm::Mbox => "mbox",
            SaveForm::Maildir => "maildir",
        }
    }

    /// A mail in this form.
    ///
    /// # Errors
    ///
    /// It cannot be written as JSON.
    pub fn of(self, handle: &str, mail: &[u8]) -> Result<Vec<u8>, Failure> {
        let notice = Notice::parse(mail);
        Ok(match self {
            SaveForm::Eml | SaveForm::Maildir => mail.to_vec(),
            SaveForm::Txt => {
                let lines = show::text(handle, &notice, show::WIDEST);
                let lines = lines.iter().map(|line| format!("{line}\n"));
                lines.collect::<String>().into_bytes()
            }
            SaveForm::Md => markdown(&notice).into_bytes(),
            SaveForm::Html => html(mail, &notice).into_bytes(),
            SaveForm::Json => {
                let mut json = serde_json::to_vec_pretty(&show::document(handle, &notice))
                    .map_err(|error| Failure::unexpected("cannot write JSON", error))?;
                json.push(b'\n');
                json
            }
            SaveForm::Mbox => {
                let mut out = Vec::new();
                append(mail, &notice, &mut out);
                out
            }
        })
    }
}

/// Puts the mails of notices into a Maildir, oldest first, where a mail program finds them as new ones.
///
/// # Errors
///
/// It cannot be written, or a cache cannot be read.
pub fn maildir_of(
    path: &Path,
    found: &[(&Store, crate::notice::NoticeId)],
) -> Result<usize, Failure> {
    let mut count = 0;
    for (store, id) in found.iter().rev() {
        if let Some(mail) = store.mail(*id)? {
            into_maildir(path, &mail)?;
            count += 1;
        }
    }
    Ok(count)
}

/// Puts a mail into a Maildir, with the line ends that files have.
///
/// # Errors
///
/// It cannot be written.
pub fn into_maildir(path: &Path, mail: &[u8]) -> Result<(), Failure> {
    let cannot = |error: io::Error| {
        let path = path.display();
        Failure::new(
            failure::SAVED_DATA,
            format!("cannot write the Maildir {path}: {error}"),
        )
    };
    let path = std::path::absolute(path).map_err(cannot)?;
    let (Some(above), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Err(cannot(io::ErrorKind::InvalidFilename.into()));
    };
    let mut lines = Vec::with_capacity(mail.len());
    for line in mail.split_inclusive(|&octet| octet == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                lines.extend_from_slice(line);
                lines.push(b'\n');
            }
            None => lines.extend_from_slice(line),
        }
    }
    let folder = Folder::open(above).map_err(cannot)?;
    let maildir = Maildir::open(&folder, name).map_err(cannot)?;
    maildir.deliver(&lines, Timestamp::now()).map_err(cannot)
}

/// Writes the mails of notices into a new mbox file, oldest first as such files are.
///
/// # Errors
///
/// The file is there already or cannot be written, or a cache cannot be read.
pub fn mbox_of(path: &Path, found: &[(&Store, crate::notice::NoticeId)]) -> Result<usize, Failure> {
    let cannot = |error: io::Error| {
        let path = path.display();
        match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::new(failure::SAVED_DATA, format!("{path} is there already"))
                    .then("give another name: nothing is written over")
            }
            _ => Failure::new(failure::SAVED_DATA, format!("cannot write {path}: {error}")),
        }
    };
    // Whole or not at all, and for nobody else to read.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(cannot)?;
    let mut file = io::BufWriter::new(file);
    let mut count = 0;
    for (store, id) in found.iter().rev() {
        let Some(mail) = store.mail(*id)? else {
            continue;
        };
        let mut out = Vec::new();
        append(&mail, &Notice::parse(&mail), &mut out);
        file.write_all(&out).map_err(cannot)?;
        count += 1;
    }
    let file = file
        .into_inner()
        .map_err(|error| cannot(error.into_error()))?;
    file.as_file().sync_all().map_err(cannot)?;
    file.persist_noclobber(path)
        .map_err(|refused| cannot(refused.error))?;
    Ok(count)
}

fn append(mail: &[u8], notice: &Notice, out: &mut Vec<u8>) {
    let sender = notice.from.first().map(|from| from.address.to_string());
    let at = notice.date.unwrap_or(Timestamp::UNIX_EPOCH);
    mbox::write(mail, &sender.unwrap_or_default(), at, out);
}

fn markdown(notice: &Notice) -> String {
    let mut out = format!("# {}\n\n", notice.subject);
    for (name, addresses) in [
        ("From", &notice.from),
        ("To", &notice.to),
        ("Cc", &notice.cc),
    ] {
        let people: Vec<String> = addresses.iter().map(|one| one.full().to_string()).collect();
        if !people.is_empty() {
            let people = people.join(", ").replace('<', "\\<");
            let _ = writeln!(out, "**{name}:** {people}  ");
        }
    }
    if let Some(date) = notice.date {
        let _ = writeln!(out, "**Sent:** {date}  ");
    }
    out.push('\n');
    // No line was wrapped: where one ends it is meant to.
    let text = notice.text();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let goes_on = !line.is_empty() && lines.peek().is_some_and(|next| !next.is_empty());
        let _ = writeln!(out, "{line}{}", if goes_on { "  " } else { "" });
    }
    for (place, link) in notice.links.iter().enumerate() {
        let lead = if place == 0 { "\n" } else { "" };
        let _ = writeln!(out, "{lead}{}. <{}>", place + 1, link.target);
    }
    out
}

/// The HTML of a mail, or its text as such.
fn html(mail: &[u8], notice: &Notice) -> String {
    /// A page from somebody else: no scripts, and nothing is fetched that would tell that it is looked at.
    const HEAD: &str = "<!doctype html><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" \
                        content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; \
                        base-uri 'none'\">\n";

    match crate::notice::parse::html_of(mail) {
        Some(html) => format!("{HEAD}{}\n", at_rest(&html)),
        None => {
            let text = notice.text().replace('&', "&amp;").replace('<', "&lt;");
            format!("{HEAD}<pre>{text}</pre>\n")
        }
    }
}

/// HTML without the tags that make a browser go somewhere by itself.
fn at_rest(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let mut out = String::with_capacity(html.len());
    let mut from = 0;
    for (at, _) in lower.match_indices('<') {
        let names = ["<meta", "<base", "<link"];
        if names.iter().any(|name| lower[at..].starts_with(name)) {
            out.push_str(&html[from..=at]);
            // An element that nobody knows.
            out.push_str("x-");
            from = at + 1;
        }
    }
    out.push_str(&html[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines_in_markdown() {
        let notice = Notice::parse(b"Subject: x\n\nWhat  Talk\nWhen  Tuesday\n\nMore of it.\n");

        let text = markdown(&notice);

        assert!(
            text.contains("Talk  \nWhen  Tuesday\n\nMore of it.\n"),
            "{text}"
        );
    }

    #[test]
    fn saved_html_goes_nowhere_by_itself() {
        let mail = b"Content-Type: text/html\n\n<META http-equiv=refresh content='0;url=https://x.example'>\
                     <link rel=dns-prefetch href=//y.example><base href=//z.example><p>the text";

        let saved = SaveForm::Html.of("k3f", mail).expect("HTML");
        let saved = String::from_utf8(saved).expect("UTF-8");

        let (head, page) = saved.split_once('\n').expect("a head");
        assert!(head.contains("default-src 'none'"), "{head}");
        for tag in ["<meta", "<link", "<base"] {
            assert!(!page.to_ascii_lowercase().contains(tag), "{page}");
        }
        assert!(page.contains("<p>the text"), "{page}");
    }
}
