//! What the screen wants of the caches: headlines, notices, marks, searches, and word of what another
//! running instance has changed.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{Timestamp, tz::TimeZone};

use super::World;
use crate::{
    app::{marks::Wish, pictures::Pictures},
    causes::chain,
    notice::{
        Line, MailboxIndex, Notice, NoticeId, body::Options, files::File, inside, shown::Shown,
    },
    poll::{memory, report::Report},
    store::{
        self, Aside, Store,
        headlines::Place,
        marks,
        search::{Found, Query},
    },
    tui::{
        effect::Wanted,
        event::{Answer, Changed, Event},
        picture::Placed,
    },
};

/// What the screen has heard of a cache.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The last change; none before the saved list is read.
    pub change: Option<i64>,
    /// The notices.
    pub ids: HashSet<NoticeId>,
}

/// The notice that was opened last, so that another width does not parse it again.
#[derive(Clone, Debug, Default)]
pub(super) struct LastOpened(Arc<Mutex<Option<Opened>>>);

/// What was wanted, the octets of its mail (headers may be completed later), and the notice.
type Opened = (Wanted, usize, Arc<Notice>);

impl LastOpened {
    /// The notice of this mail, parsed unless it is the last one opened.
    pub fn notice(
        &self,
        wanted: Wanted,
        mail: &[u8],
        store: &Store,
    ) -> Result<Arc<Notice>, String> {
        let wanted = wanted.anyhow_laid_out();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, octets, notice)) = &*last
            && (*known, *octets) == (wanted, mail.len())
        {
            return Ok(notice.clone());
        }
        let zone = TimeZone::system();
        if !wanted.way.is_empty() {
            let found = wanted.way.file(mail);
            let (file, bytes) = found.ok_or(NO_FILE)?;
            let inside = Notice::of_file(&file, &bytes, Some(&zone));
            let inside = Arc::new(inside.ok_or("it cannot be shown here")?);
            *last = Some((wanted, mail.len(), inside.clone()));
            return Ok(inside);
        }
        let mut notice = Notice::parse_in(mail, wanted.form, Some(&zone));
        if notice.appointment.is_some() {
            let before = store
                .mail_before(wanted.id)
                .map_err(|error| chain(&error))?;
            let before = before.map(|mail| Notice::parse_in(&mail, wanted.form, Some(&zone)));
            before.iter().for_each(|before| notice.moved_from(before));
        }
        let notice = Arc::new(match wanted.compared {
            Some(compared) => {
                let other = match compared.newer == wanted.id {
                    true => compared.older,
                    false => compared.newer,
                };
                let other = store.mail(other).map_err(|error| chain(&error))?;
                let other = other.ok_or("the notice that it is compared with is not saved here")?;
                let other = Notice::parse_in(&other, wanted.form, Some(&zone));
                match compared.newer == wanted.id {
                    true => notice.compared_with(&other),
                    false => Notice {
                        blocks: other.compared_with(&notice).blocks,
                        ..notice
                    },
                }
            }
            None => notice,
        });
        *last = Some((wanted, mail.len(), notice.clone()));
        Ok(notice)
    }
}

/// How many headlines are on the screen before the rest is read.
const FIRST_PAGE: usize = 200;
/// How many are read at once after that.
const PAGE: usize = 5_000;
/// How many earlier checks are shown.
const RECALLED: usize = 500;
/// The most notices that a search gives.
const MOST_FOUND: usize = 1_000_000;
/// Under this name the cache remembers when the person last left.
pub(super) const LEFT: &str = "left";
/// And under this one, the highest id that there was then.
pub(super) const LEFT_ID: &str = "left_id";

/// What is told of a cache that was found damaged while it was read.
fn rebuilt(aside: Option<&Aside>) -> Event {
    let (why, next) = match aside {
        Some(aside) => (
            format!("moved to {}", aside.path.display()),
            format!("{}, the notices are fetched anew", aside.marks()),
        ),
        None => (
            "another tidings has made new ones".to_owned(),
            "the notices are fetched anew".to_owned(),
        ),
    };
    Event::Failed {
        what: Shown::line("the saved notices were damaged"),
        why: Shown::line(&why),
        next: Shown::line(&next),
    }
}

impl World {
    pub(super) fn load(&self, mailbox: MailboxIndex) {
        let Some(open) = self.mailboxes.get(mailbox.0) else {
            return;
        };
        let (store, events, told) = (open.store.clone(), self.events.clone(), open.told.clone());
        tokio::task::spawn_blocking(move || {
            let failed = |error: &store::Error| Event::Failed {
                what: Shown::line("cannot read the saved notices"),
                why: Shown::line(&chain(error)),
                next: Shown::default(),
            };
            let last_visit = store
                .remembered(LEFT)
                .ok()
                .flatten()
                .and_then(|at| at.parse::<Timestamp>().ok());
            let last_seen = store
                .remembered(LEFT_ID)
                .ok()
                .flatten()
                .and_then(|id| id.parse().ok())
                .map(NoticeId);
            let newest = store
                .changed_since(i64::MAX)
                .map_or(0, |(_, newest)| newest);
            lock(&told).change = Some(newest);
            let mut behind = None;
            let mut most = FIRST_PAGE;
            let mut kept = 0;
            let mut was_rebuilt = false;
            loop {
                let headlines = match store.headlines(behind, most) {
                    Ok(headlines) => headlines,
                    Err(store::Error::Damaged { .. }) if !was_rebuilt => {
                        was_rebuilt = true;
                        // The next check fetches all anew; what was read here of it stays on the screen.
                        match store.rebuild() {
                            Ok(aside) => {
                                let _ = events.blocking_send(rebuilt(aside.as_ref()));
                                behind = None;
                                most = FIRST_PAGE;
                                continue;
                            }
                            Err(error) => {
                                let _ = events.blocking_send(failed(&error));
                                return;
                            }
                        }
                    }
                    Err(error) => {
                        let _ = events.blocking_send(failed(&error));
                        return;
                    }
                };
                if behind.is_none() {
                    kept = store.kept().unwrap_or(0);
                }
                let complete = headlines.len() < most;
                lock(&told)
                    .ids
                    .extend(headlines.iter().map(|headline| headline.id));
                behind = headlines.last().map(Place::behind);
                most = PAGE;
                let loaded = Event::Loaded {
                    mailbox,
                    headlines,
                    kept: u32::try_from(kept).unwrap_or(u32::MAX),
                    complete,
                    last_visit,
                    last_seen,
                };
                if events.blocking_send(loaded).is_err() || complete {
                    return;
                }
            }
        });
    }

    /// Tells what another running instance has changed in the cache.
    pub(super) fn look_for_changes(&self, mailbox: MailboxIndex) {
        let Some(open) = self.mailboxes.get(mailbox.0) else {
            return;
        };
        let (store, events, told) = (open.store.clone(), self.events.clone(), open.told.clone());
        tokio::task::spawn_blocking(move || {
            // A check may be over before the saved list is read: all of that would look new.
            let Some(before) = lock(&told).change else {
                return;
            };
            let Ok((headlines, newest)) = store.changed_since(before) else {
                return;
            };
            let notices: Vec<_> = headlines
                .iter()
                .map(|headline| Changed {
                    id: headline.id,
                    marks: headline.marks,
                    replaced_by: headline.fate.replaced_by,
                })
                .collect();
            let arrived: Vec<_> = {
                let mut told = lock(&told);
                told.change = Some(newest);
                headlines
                    .into_iter()
                    .filter(|headline| told.ids.insert(headline.id))
                    .collect()
            };
            if !arrived.is_empty() {
                let _ = events.blocking_send(Event::Reported {
                    mailbox,
                    report: Report::Arrived(arrived),
                });
            }
            if !notices.is_empty()
                && let Ok(counts) = store.counts()
            {
                // For a mailbox that is not open.
                let unread = u32::try_from(counts.unread).unwrap_or(u32::MAX);
                let _ = events.blocking_send(Event::Counted { mailbox, unread });
            }
            if !notices.is_empty() {
                let _ = events.blocking_send(Event::Marked { mailbox, notices });
            }
        });
    }

    /// Takes notice of what a poller tells the screen.
    pub(in crate::app) fn note(&self, mailbox: MailboxIndex, report: &Report) {
        let Some(open) = self.mailboxes.get(mailbox.0) else {
            return;
        };
        if let Report::Arrived(headlines) | Report::Filled(headlines) = report {
            lock(&open.told)
                .ids
                .extend(headlines.iter().map(|headline| headline.id));
        }
        if let Report::Checked(_) = report {
            self.look_for_changes(mailbox);
        }
    }

    pub(super) fn open_notice(&self, wanted: Wanted) {
        let (options, opened) = (self.layout(wanted), self.opened.clone());
        let pictures = self.pictures.clone();
        let shows_pictures = self.shows_pictures;
        let Some(store) = self.store(wanted.mailbox) else {
            return;
        };
        let older = store.clone();
        let open = move |mail: &[u8]| {
            if !wanted.way.is_empty() {
                let (file, bytes) = wanted.way.file(mail).ok_or(NO_FILE)?;
                if inside::is_picture(&file) {
                    return picture(&pictures, wanted, &file, &bytes);
                }
            }
            let notice = opened.notice(wanted, mail, &older)?;
            let mut lines = notice.lines(wanted.width, options);
            let placed = match shows_pictures && wanted.way.is_empty() && wanted.compared.is_none()
            {
                true => pictures.put_below(&mut lines, &notice, mail, (wanted.width, wanted.rows)),
                false => Vec::new(),
            };
            Ok(Event::Opened {
                wanted,
                notice,
                lines: lines.into(),
                pictures: placed,
            })
        };
        self.openings.want(move || {
            of_mail(&store, wanted.id, open).unwrap_or_else(|Trouble { why, next }| {
                Event::NotOpened {
                    wanted,
                    why: Shown::line(&why),
                    next: Shown::from_static(next),
                }
            })
        });
    }

    pub(super) fn mark(
        &self,
        mailbox: MailboxIndex,
        ids: &[NoticeId],
        change: crate::tui::effect::Change,
    ) {
        let Some(store) = self.store(mailbox) else {
            return;
        };
        let changes = [
            change.read.map(marks::Change::Read),
            change.starred.map(marks::Change::Starred),
            change.muted.map(marks::Change::Muted),
        ];
        for change in changes.into_iter().flatten() {
            self.marks.write(Wish {
                store: store.clone(),
                ids: ids.to_vec(),
                change,
            });
        }
    }

    pub(super) fn colour(&self, mailbox: MailboxIndex) {
        let Some(store) = self.store(mailbox) else {
            return;
        };
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || match store.coloured() {
            Ok(colours) => {
                let _ = events.blocking_send(Event::Coloured { mailbox, colours });
            }
            // The list says what is wrong with the cache, or the next search.
            Err(error) => tracing::debug!("cannot tell the colours: {error}"),
        });
    }

    pub(super) fn search(&self, mailbox: MailboxIndex, text: String) {
        let Some(store) = self.store(mailbox) else {
            return;
        };
        let find = move || {
            let query = Query::parse(&text, &TimeZone::system());
            let words = query.as_ref().map(Query::words).unwrap_or_default();
            let result = match query {
                Err(error) => Err(Shown::line(&error.to_string())),
                Ok(query) => match store.find(&query, MOST_FOUND) {
                    Ok(Found::InOrder(ids)) => Ok(Answer::InOrder(ids)),
                    Ok(Found::Many(ids)) => Ok(Answer::NewestFirst(ids)),
                    Err(error) => Err(Shown::line(&chain(&error))),
                },
            };
            // What could not be put into the index, for want of room, was not searched.
            let waiting = store.waiting().unwrap_or(0);
            let searched = store.kept().unwrap_or(0).saturating_sub(waiting);
            Event::Found {
                mailbox,
                query: text,
                result,
                words,
                searched: u32::try_from(searched).unwrap_or(u32::MAX),
            }
        };
        self.searches.want(find);
    }

    pub(super) fn recall(&self, mailbox: MailboxIndex) {
        let Some(store) = self.store(mailbox) else {
            return;
        };
        let (events, began) = (self.events.clone(), self.began);
        tokio::task::spawn_blocking(move || {
            if let Ok(mut checks) = memory::recall(&store, RECALLED) {
                // The later ones were reported.
                checks.retain(|check| check.at < began);
                let _ = events.blocking_send(Event::Recalled { mailbox, checks });
            }
        });
    }

    /// Has [`of_mail`] done, and tells how it ended.
    pub(super) fn with_mail(
        &self,
        mailbox: MailboxIndex,
        id: NoticeId,
        what: &'static str,
        work: impl FnOnce(&[u8]) -> Result<Event, String> + Send + 'static,
    ) {
        let Some(store) = self.store(mailbox) else {
            return;
        };
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            let event = of_mail(&store, id, work);
            let _ =
                events.blocking_send(event.unwrap_or_else(|Trouble { why, next }| Event::Failed {
                    what: Shown::line(what),
                    why: Shown::line(&why),
                    next: Shown::from_static(next),
                }));
        });
    }

    fn layout(&self, wanted: Wanted) -> Options {
        Options {
            ascii: self.ascii,
            // The screen lists the links itself.
            link_list: false,
            whole_links: false,
            folds_quotes: wanted.folds_quotes,
        }
    }
}

/// Why something cannot be done with a mail, and what to do next.
struct Trouble {
    why: String,
    next: &'static str,
}

/// Reads a mail, and does `work` with it. It blocks.
fn of_mail<T>(
    store: &Store,
    id: NoticeId,
    work: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, Trouble> {
    let mut next = "";
    let outcome = match store.mail(id) {
        Ok(Some(mail)) => work(&mail),
        Ok(None) => {
            next = "r fetches it";
            match store.note_missing_mail(id) {
                Ok(()) => Err("its text is not there".to_owned()),
                Err(error) => Err(chain(&error)),
            }
        }
        Err(error @ store::Error::Damaged { .. }) => {
            let why = match store.rebuild() {
                Ok(_) => {
                    next = "r fetches the notices anew";
                    error
                }
                Err(failed) => {
                    next = "nothing was changed; see that the data folder may be written";
                    failed
                }
            };
            Err(chain(&why))
        }
        Err(error) => Err(chain(&error)),
    };
    outcome.map_err(|why| Trouble { why, next })
}

/// A picture that is shown in the place of a text.
fn picture(
    pictures: &Pictures,
    wanted: Wanted,
    file: &File,
    bytes: &[u8],
) -> Result<Event, String> {
    let (picture, words) = pictures.make(bytes, wanted.width, wanted.rows)?;
    let notice = Notice {
        subject: file.name.clone(),
        cuts: vec![Shown::line(&words)],
        ..Notice::default()
    };
    // Its rows are empty lines of text.
    let mut lines = vec![Line::default(); usize::from(picture.rows())];
    lines.extend(notice.lines(wanted.width, Options::default()));
    Ok(Event::Opened {
        wanted,
        notice: Arc::new(notice),
        lines: lines.into(),
        pictures: vec![Placed { line: 0, picture }],
    })
}

/// Why a file cannot be shown that was there a moment ago.
const NO_FILE: &str = "there is no such file, or it cannot be decoded";

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
