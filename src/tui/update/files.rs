//! What can be got out of a notice: links, files, copies, and an answer by one's own mail program.

use crate::{
    notice::{
        Notice, NoticeId,
        files::{File, Way},
        inside,
        links::Link,
        shown::Shown,
        thread::Slot,
    },
    tui::{
        action::Action,
        effect::{Effect, Wanted},
        model::{
            Focus, Model,
            line::Line,
            overlay::{Choice, Overlay, Then},
            page::Page,
        },
    },
};

use super::{Effects, reading, reports};

/// True if the action gets something out of the present notice.
pub fn is_of_notice(action: Action) -> bool {
    matches!(
        action,
        Action::Links
            | Action::Files
            | Action::Images
            | Action::Copy
            | Action::Save
            | Action::Pipe
            | Action::Reply
    )
}

/// Gets something out of the present notice.
pub fn perform(model: &mut Model, action: Action, out: &mut Effects) {
    let Some(id) = present(model) else {
        if action == Action::Images && reports::has_details(model) {
            return reports::show_details(model);
        }
        model.say("no notice is selected");
        return;
    };
    let mailbox = model.open;
    match action {
        Action::Links => links(model, out),
        Action::Files => files(model, out),
        Action::Images => image(model, out),
        Action::Copy => copy(model),
        Action::Save => out.push(Effect::SaveNotice { mailbox, id }),
        Action::Pipe => model.overlay = Some(Overlay::Pipe(Line::default())),
        Action::Reply => reply(model, out),
        _ => {}
    }
}

/// The notice that is meant: the selected one.
pub fn present(model: &Model) -> Option<NoticeId> {
    let headline = model.list.selected_headline()?;
    (headline.id != NoticeId::default()).then_some(headline.id)
}

/// Opens the n-th entry of the links and files.
pub fn open_entry(model: &mut Model, place: usize, out: &mut Effects) {
    let Some(notice) = open_notice(model) else {
        return;
    };
    match entry(&notice, place) {
        Some(Entry::Link(link)) => out.push(Effect::OpenLink {
            target: link.target.clone(),
        }),
        Some(Entry::File(file)) => open_file(model, file, out),
        None => {}
    }
}

/// Saves the n-th entry of the links and files, if it is a file; false if it is not.
pub fn save_entry(model: &mut Model, place: usize, out: &mut Effects) -> bool {
    let (Some(notice), Some(id)) = (open_notice(model), present(model)) else {
        return false;
    };
    match entry(&notice, place) {
        Some(Entry::File(file)) => {
            let ways = way_to(model, file).into_iter().collect();
            out.push(Effect::SaveFiles {
                mailbox: model.open,
                id,
                ways,
            });
            true
        }
        Some(Entry::Link(_)) => {
            model.say("a link can be opened or copied");
            false
        }
        None => false,
    }
}

/// Copies the address, or the name, of the n-th entry of the links and files.
pub fn copy_entry(model: &mut Model, place: usize, out: &mut Effects) {
    let Some(notice) = open_notice(model) else {
        return;
    };
    let text = match entry(&notice, place) {
        Some(Entry::Link(link)) => &link.target,
        Some(Entry::File(file)) => &file.name,
        None => return,
    };
    let words = format!("copied {text}");
    out.push(Effect::Copy {
        text: text.to_string(),
    });
    model.say(&words);
}

/// How many links and files the open notice has.
pub fn entries(model: &Model) -> usize {
    open_notice(model).map_or(0, |notice| notice.links.len() + notice.files.len())
}

/// Does what was chosen.
pub fn choose(model: &mut Model, then: Then, out: &mut Effects) {
    let Some(id) = present(model) else { return };
    let mailbox = model.open;
    match then {
        Then::CopyText => {
            out.push(Effect::CopyNotice(wanted(model, id)));
            model.say("copied the text");
        }
        Then::CopyQuotation => {
            if let Some(notice) = open_notice(model) {
                out.push(Effect::Copy {
                    text: quotation(&notice),
                });
                model.say("copied the text as a quotation");
            }
        }
        Then::Copy(text) => {
            model.say(&format!("copied {text}"));
            out.push(Effect::Copy {
                text: text.to_string(),
            });
        }
        Then::OpenFile { way, content_type } => {
            model.may_open.insert(content_type);
            out.push(Effect::OpenFile { mailbox, id, way });
        }
        Then::SaveFile { way } => out.push(Effect::SaveFiles {
            mailbox,
            id,
            ways: vec![way],
        }),
    }
}

enum Entry<'a> {
    Link(&'a Link),
    File(&'a File),
}

fn entry(notice: &Notice, place: usize) -> Option<Entry<'_>> {
    match notice.links.get(place) {
        Some(link) => Some(Entry::Link(link)),
        None => notice
            .files
            .get(place - notice.links.len())
            .map(Entry::File),
    }
}

fn open_notice(model: &Model) -> Option<std::sync::Arc<Notice>> {
    let page = model.page.as_ref()?;
    let is_selected = model.list.selected_slot() == Some(page.slot);
    page.notice.clone().filter(|_| is_selected)
}

/// The selected notice as it is read: what is got out of it is what was seen.
pub fn wanted(model: &Model, id: NoticeId) -> Wanted {
    let page = model.page.as_ref();
    let page = page.filter(|page| model.list.selected_slot() == Some(page.slot));
    match (page, model.list.selected_slot()) {
        (Some(page), _) => page.wanted(model.open),
        (None, slot) => Page::new(slot.unwrap_or(Slot(0)), id, (0, 0)).wanted(model.open),
    }
}

/// The way to a file of what is in the reader.
fn way_to(model: &Model, file: &File) -> Option<Way> {
    let page = model.page.as_ref();
    // Of what is on the screen, not of what is on its way there.
    let shown = page.and_then(|page| page.shown);
    let way = shown.map_or(Way::default(), |shown| shown.way);
    way.to(file.place)
}

/// From the list: the notice is read from the cache, and the action done once it is there.
fn await_notice(model: &mut Model, action: Action, out: &mut Effects) {
    let Some(slot) = model.list.selected_slot() else {
        return;
    };
    if !reading::has_text_of(model, slot) {
        reading::turn_to(model, slot, out);
    }
    if let Some(page) = &mut model.page {
        page.then = Some(action);
    }
}

/// A single link opens at once; where there are more, or files, one chooses.
fn links(model: &mut Model, out: &mut Effects) {
    let Some(notice) = open_notice(model) else {
        return await_notice(model, Action::Links, out);
    };
    match (&notice.links[..], &notice.files[..]) {
        ([], []) => model.say("no links and no files in this notice"),
        // What claims to lead elsewhere is shown before it is opened.
        ([link], []) if link.warning.is_none() => {
            model.say(&format!("opening {}", link.target));
            out.push(Effect::OpenLink {
                target: link.target.clone(),
            });
        }
        _ => attached(model, 0),
    }
}

fn files(model: &mut Model, out: &mut Effects) {
    let Some(notice) = open_notice(model) else {
        return await_notice(model, Action::Files, out);
    };
    match notice.files.is_empty() {
        true => model.say("no files in this notice"),
        false => attached(model, notice.links.len()),
    }
}

fn attached(model: &mut Model, selected: usize) {
    model.overlay = Some(Overlay::Attached { selected, top: 0 });
}

/// The first attached image, here or by the system's viewer; details of the last check if there is a trouble
/// and no image.
fn image(model: &mut Model, out: &mut Effects) {
    let notice = open_notice(model).filter(|_| model.focus == Focus::Page);
    let image = notice.as_ref().and_then(|notice| {
        let mut files = notice.files.iter();
        files.find(|file| file.content_type.starts_with("image/") || inside::is_picture(file))
    });
    match image {
        Some(image) => open_file(model, image, out),
        None if reports::has_details(model) => reports::show_details(model),
        None => model.say("no image in this notice"),
    }
}

/// Shows a file in the reader, if that can be; else it is for the system.
fn open_file(model: &mut Model, file: &File, out: &mut Effects) {
    let is_picture = model.look.has_pictures && inside::is_picture(file);
    if !is_picture && !inside::is_shown(file) {
        return open_outside(model, file, out);
    }
    let Some(way) = way_to(model, file) else {
        return model.say("deeper than this no file is opened: w saves it");
    };
    reading::show_inside(model, way, out);
}

/// Opens the n-th entry of the links and files with the system's program, if it is a file.
pub fn open_entry_outside(model: &mut Model, place: usize, out: &mut Effects) {
    let Some(notice) = open_notice(model) else {
        return;
    };
    match entry(&notice, place) {
        Some(Entry::File(file)) => open_outside(model, file, out),
        Some(Entry::Link(_)) | None => open_entry(model, place, out),
    }
}

/// Asks once for each type of file; programs are never run.
fn open_outside(model: &mut Model, file: &File, out: &mut Effects) {
    let (Some(id), Some(way)) = (present(model), way_to(model, file)) else {
        return;
    };
    if file.is_program() {
        model.overlay = Some(Overlay::Choose {
            title: "A program is never opened from here",
            choices: vec![Choice {
                label: Shown::from_static("save it"),
                note: file.name.clone(),
                then: Then::SaveFile { way },
            }],
            selected: 0,
        });
    } else if model.may_open.contains(&file.content_type) {
        model.overlay = None;
        out.push(Effect::OpenFile {
            mailbox: model.open,
            id,
            way,
        });
    } else {
        let kind = file.kind();
        let always = format!("{} and other {kind} files", file.name);
        model.overlay = Some(Overlay::Choose {
            title: "Open with the system's program?",
            choices: vec![
                Choice {
                    label: Shown::from_static("open"),
                    note: Shown::text(&always),
                    then: Then::OpenFile {
                        way,
                        content_type: file.content_type.clone(),
                    },
                },
                Choice {
                    label: Shown::from_static("save"),
                    note: file.name.clone(),
                    then: Then::SaveFile { way },
                },
            ],
            selected: 0,
        });
    }
}

/// A text with who wrote it, and `>` before each line (RFC 3676 §4.5).
fn quotation(notice: &Notice) -> String {
    let who = notice.from.first().map(|from| from.short().to_string());
    let mut text = format!("{} wrote:\n", who.unwrap_or_default());
    for line in notice.text().lines() {
        // Quotations of quotations stand close together.
        let space = if line.is_empty() || line.starts_with('>') {
            ""
        } else {
            " "
        };
        text.push_str(&format!(">{space}{line}\n"));
    }
    text
}

fn copy(model: &mut Model) {
    let Some(headline) = model.list.selected_headline() else {
        return;
    };
    let mut choices = vec![Choice {
        label: Shown::from_static("text"),
        note: headline.subject.clone(),
        then: Then::CopyText,
    }];
    let handle = Shown::line(&headline.handle);
    choices.push(Choice {
        label: Shown::from_static("id"),
        note: handle.clone(),
        then: Then::Copy(handle),
    });
    if let Some(notice) = open_notice(model) {
        choices.push(Choice {
            label: Shown::from_static("quotation"),
            note: Shown::from_static("the text as one quotes it in an answer"),
            then: Then::CopyQuotation,
        });
        if !notice.message_id.is_empty() {
            choices.push(Choice {
                label: Shown::from_static("Message-ID"),
                note: notice.message_id.clone(),
                then: Then::Copy(notice.message_id.clone()),
            });
        }
        choices.extend(notice.links.iter().enumerate().map(|(place, link)| Choice {
            label: Shown::text(&format!("link [{}]", place + 1)),
            note: link.target.clone(),
            then: Then::Copy(link.target.clone()),
        }));
    }
    model.overlay = Some(Overlay::Choose {
        title: "Copy",
        choices,
        selected: 0,
    });
}

/// tidings sends nothing: a mail to the sender is the mail program's to write.
fn reply(model: &mut Model, out: &mut Effects) {
    let Some(headline) = model.list.selected_headline() else {
        return;
    };
    let address = &headline.from.address;
    if address.is_empty() {
        model.say("the sender gave no address");
        return;
    }
    let subject = match headline.subject.get(..3) {
        Some(re) if re.eq_ignore_ascii_case("re:") => headline.subject.to_string(),
        _ => format!("Re: {}", headline.subject),
    };
    let target = format!("mailto:{}?subject={}", escaped(address), escaped(&subject));
    out.push(Effect::OpenLink {
        target: Shown::text(&target),
    });
    model.say("handed to your mail program");
}

/// Text within a mailto link (RFC 6068, section 2).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b'+' => {
                escaped.push(char::from(byte));
            }
            _ => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}
