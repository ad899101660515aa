//! The reader: opening, scrolling, reading on, and when a notice counts as read.

use crate::{
    config::MarkRead,
    notice::{TextForm, files::Way, thread::Slot},
    tui::{
        compose,
        effect::{Effect, Timer, Wanted},
        event::Event,
        layout::Panes,
        model::{Focus, Model, page::Page},
    },
};

use super::{Effects, listing, marks};

/// A notice came from the cache, or was laid out anew.
pub fn from_cache(model: &mut Model, event: Event, out: &mut Effects) {
    let Event::Opened {
        wanted,
        notice,
        lines,
        pictures,
    } = event
    else {
        return;
    };
    // What is not wanted any more, or not in this size, is on its way once again.
    let open = model.open;
    let page = model.page.as_mut();
    let Some(page) = page.filter(|page| page.wanted(open) == wanted) else {
        return;
    };
    let shown = page.shown.replace(wanted);
    let is_laid_out_anew =
        shown.is_some_and(|shown| shown.anyhow_laid_out() == wanted.anyhow_laid_out());
    if is_laid_out_anew {
        page.scroll = page.scroll * lines.len() / page.lines.len().max(1);
    }
    page.notice = Some(notice);
    page.lines = lines;
    page.pictures = pictures;
    if !is_laid_out_anew {
        is_shown(model, out);
    }
}

/// What was wanted cannot be had: what is on the screen is what it was, and what was to be done with it is not
/// done with another.
pub fn failed(model: &mut Model, wanted: Wanted) {
    let open = model.open;
    let page = model.page.as_mut();
    if let Some(page) = page.filter(|page| page.wanted(open) == wanted) {
        page.then = None;
        if let Some(shown) = page.shown {
            (page.form, page.way, page.compared) = (shown.form, shown.way, shown.compared);
        }
    }
}

/// Opens the selected notice and goes to it.
pub fn open(model: &mut Model, out: &mut Effects) {
    let Some(slot) = model.list.selected_slot() else {
        return;
    };
    model.focus = Focus::Page;
    if has_text_of(model, slot) {
        is_shown(model, out);
    } else {
        turn_to(model, slot, out);
    }
}

/// True if the reader has this notice's text, so that it need not be read from the cache.
pub fn has_text_of(model: &Model, slot: Slot) -> bool {
    let page = model.page.as_ref();
    page.is_some_and(|page| page.slot == slot && page.notice.is_some())
}

/// Has a notice in the reader, from its beginning.
pub fn turn_to(model: &mut Model, slot: Slot, out: &mut Effects) {
    let (mailbox, id) = (model.open, model.list.headline(slot).id);
    let page = Page::new(slot, id, Panes::of(model).room());
    if id.0 != 0 {
        out.push(Effect::Open(page.wanted(mailbox)));
    }
    model.page = Some(page);
}

/// Shows the text in its other form: HTML instead of plain text, or the other way round.
pub fn turn_form(model: &mut Model, out: &mut Effects) {
    let (mailbox, panes) = (model.open, Panes::of(model));
    let Some(page) = &mut model.page else {
        return model.say("no notice is open");
    };
    let Some(notice) = &page.notice else { return };
    if !notice.has_other_form {
        return model.say("its text has one form only");
    }
    page.form = page.form.turned();
    page.scroll = 0;
    (page.width, page.rows) = panes.room();
    let form = page.form;
    out.push(Effect::Open(page.wanted(mailbox)));
    model.say(match form {
        TextForm::Best => "its text as before",
        TextForm::Other => "its text in the other form",
    });
}

/// Shows a file of the notice in the place of its text.
pub fn show_inside(model: &mut Model, way: Way, out: &mut Effects) {
    let mailbox = model.open;
    let Some(page) = &mut model.page else { return };
    (page.way, page.compared) = (way, None);
    page.scroll = 0;
    out.push(Effect::Open(page.wanted(mailbox)));
    model.overlay = None;
    model.focus = Focus::Page;
}

/// Goes back from a file, or from what has changed, to what it is of. Returns false if the notice itself
/// is shown.
pub fn back_outside(model: &mut Model, out: &mut Effects) -> bool {
    let mailbox = model.open;
    let Some(page) = &mut model.page else {
        return false;
    };
    if page.compared.take().is_none() {
        if page.way.is_empty() {
            return false;
        }
        page.way = page.way.back();
    }
    page.scroll = 0;
    out.push(Effect::Open(page.wanted(mailbox)));
    true
}

/// Shows long quotations whole, or only how long they are.
pub fn toggle_quotes(model: &mut Model, out: &mut Effects) {
    let mailbox = model.open;
    let Some(page) = &mut model.page else { return };
    if !page
        .notice
        .as_ref()
        .is_some_and(|notice| notice.has_quotations())
    {
        return model.say("nothing is quoted");
    }
    page.is_unfolded = !page.is_unfolded;
    out.push(Effect::Open(page.wanted(mailbox)));
}

/// Shows what has changed between the notice and the one that it replaces, or that replaces it; or its text
/// again.
pub fn compare(model: &mut Model, out: &mut Effects) {
    let Some(slot) = model.list.selected_slot() else {
        return;
    };
    if let Some(page) = &mut model.page
        && page.slot == slot
        && page.compared.take().is_some()
    {
        page.scroll = 0;
        out.push(Effect::Open(page.wanted(model.open)));
        return model.say("its text as before");
    }
    let Some(compared) = model.list.predecessor(slot) else {
        return model.say("it takes the place of no other notice, and none takes its place");
    };
    model.focus = Focus::Page;
    if model.page.as_ref().is_none_or(|page| page.slot != slot) {
        turn_to(model, slot, out);
        out.retain(|effect| !matches!(effect, Effect::Open(_)));
    }
    let Some(page) = &mut model.page else { return };
    (page.way, page.compared) = (Way::default(), Some(compared));
    page.scroll = 0;
    out.push(Effect::Open(page.wanted(model.open)));
}

/// Goes to the notice below or above, from the reader too.
pub fn next_notice(model: &mut Model, is_down: bool, out: &mut Effects) {
    listing::step(model, if is_down { 1 } else { -1 });
    follow(model, out);
}

/// The reader, if keys go to it, follows the selection.
pub fn follow(model: &mut Model, out: &mut Effects) {
    if model.focus == Focus::Page {
        open(model, out);
    }
}

/// Scrolls by so many lines. Returns false if there is no further to go.
pub fn scroll(model: &mut Model, by: isize, out: &mut Effects) -> bool {
    let (height, total) = extent(model);
    let Some(page) = &mut model.page else {
        return false;
    };
    let before = page.scroll;
    let furthest = Page::furthest(height, total);
    page.scroll = page.scroll.saturating_add_signed(by).min(furthest);
    let moved = page.scroll != before;
    if moved {
        mark_read(model, out);
    }
    moved
}

/// Scrolls by so many halves of the screen, leaving two lines of a whole one for the eye.
pub fn scroll_halves(model: &mut Model, halves: isize, out: &mut Effects) -> bool {
    let height = isize::try_from(extent(model).0).unwrap_or(1);
    let mut by = match halves.abs() {
        1 => height / 2,
        _ => height - 2,
    };
    if let Some(most) = up_to_a_picture(model).filter(|_| halves > 0) {
        by = by.min(most);
    }
    scroll(model, by.max(1) * halves.signum(), out)
}

/// How far one may scroll down for the name of a picture to come to the top that is on the screen in part.
fn up_to_a_picture(model: &Model) -> Option<isize> {
    let (page, panes) = (model.page.as_ref()?, Panes::of(model));
    if page.pictures.is_empty() {
        return None;
    }
    let composed = compose::page(model, page, &panes);
    let end = page.scroll + compose::height(&composed, &panes);
    let cut = page.pictures.iter().find_map(|placed| {
        let start = composed.head.len() + placed.line;
        let name = start.checked_sub(page.scroll + 1)?;
        (start < end && start + usize::from(placed.picture.rows()) > end).then_some(name)
    });
    isize::try_from(cut.filter(|name| *name > 0)?).ok()
}

/// Scrolls to the beginning or the end.
pub fn scroll_to(model: &mut Model, is_end: bool, out: &mut Effects) {
    let by = if is_end { isize::MAX } else { isize::MIN };
    scroll(model, by, out);
}

/// One key reads everything: a page on, and from the end to the next unread notice.
pub fn read_on(model: &mut Model, out: &mut Effects) {
    let is_shown = model.focus == Focus::Page || model.shows_both();
    if is_shown && model.page.is_some() && scroll_halves(model, 2, out) {
        return;
    }
    if is_shown {
        mark_read(model, out);
        if listing::next_unread(model, true) {
            follow(model, out);
        }
        return;
    }
    let is_read = model
        .list
        .selected_slot()
        .is_none_or(|slot| !model.list.is_unread(slot));
    if !is_read || listing::next_unread(model, true) {
        open(model, out);
    }
}

/// A page back.
pub fn read_back(model: &mut Model, out: &mut Effects) {
    if model.focus == Focus::Page || model.shows_both() {
        if !scroll_halves(model, -2, out) {
            model.say("beginning of the notice");
        }
    } else {
        listing::page(model, -2);
    }
}

/// The text was on the screen for the time that the settings ask for.
pub fn was_on_screen(model: &mut Model, out: &mut Effects) {
    let is_visible = model.focus == Focus::Page || model.shows_both();
    let has_text = model
        .page
        .as_ref()
        .is_some_and(|page| page.notice.is_some());
    if is_visible && has_text && model.overlay.is_none() {
        mark_read(model, out);
    }
}

/// No further than the text goes, whatever became of the screen.
pub fn clamp(model: &mut Model) {
    let (height, total) = extent(model);
    if let Some(page) = &mut model.page {
        page.scroll = page.scroll.min(Page::furthest(height, total));
    }
}

/// The text came on the screen: it counts as read now, or in a while.
fn is_shown(model: &mut Model, out: &mut Effects) {
    let has_text = model
        .page
        .as_ref()
        .is_some_and(|page| page.notice.is_some());
    if !has_text {
        return;
    }
    match (model.habits.mark_read, model.focus) {
        (MarkRead::Open | MarkRead::After(_), Focus::Page) => mark_read(model, out),
        (MarkRead::After(after), Focus::List) => out.push(Effect::WakeAfter {
            timer: Timer::MarkRead,
            after,
        }),
        (MarkRead::Open, Focus::List) | (MarkRead::Never, _) => {}
    }
}

fn mark_read(model: &mut Model, out: &mut Effects) {
    let Some(page) = &model.page else { return };
    let may = model.habits.mark_read != MarkRead::Never && !page.stays_unread;
    let slot = page.slot;
    let is_kept = page.id.0 != 0 && page.notice.is_some();
    if may && is_kept && !model.list.headline(slot).marks.read {
        marks::read_by_reading(model, slot, out);
    }
}

/// The lines on the screen, and those of the page.
fn extent(model: &Model) -> (usize, usize) {
    let panes = Panes::of(model);
    match &model.page {
        Some(page) if panes.page.is_some() => {
            let composed = compose::page(model, page, &panes);
            (compose::height(&composed, &panes), composed.total())
        }
        _ => (usize::MAX, 0),
    }
}
