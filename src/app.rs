//! The loop: keys and reports in, frames and effects out. It decides nothing.
//!
//! Keys, signals, what pollers report and how effects ended all arrive here; each goes to the
//! screen ([`Tui`]), whose effects are performed by [`effects`]. A frame is drawn once all that has
//! come so far was taken in.

use std::{io, path::PathBuf, pin::Pin, time::Duration};

use crossterm::event::{self as terminal_event, EventStream, KeyEventKind};
use jiff::{Timestamp, tz::TimeZone};
use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
use tokio::{
    signal::unix::{Signal as Signals, SignalKind, signal},
    sync::mpsc,
    time::{self, Instant},
};

use crate::{
    config::Settings,
    demo::event::Wish,
    notice::MailboxIndex,
    poll::report::Report,
    tui::{Purpose, Start, Tui, effect::Effect, event::Event},
};

mod background;
pub mod demo;
pub mod effects;
mod kitty;
mod latest;
mod marks;
mod pictures;
pub mod saving;
pub mod setup;
pub mod terminal;
pub mod trial;

use effects::{Ways, World};
use terminal::Screen;

/// What the loop begins with.
#[derive(Debug)]
pub struct Beginning {
    /// The settings.
    pub settings: Settings,
    /// Where they stand, or will.
    pub settings_path: PathBuf,
    /// What the person came for.
    pub purpose: Purpose,
    /// False for NO_COLOR, `TERM=dumb` and `--color never`.
    pub colour: bool,
    /// True if the terminal shows Unicode.
    pub unicode: bool,
    /// The demo that runs beside, if that is it.
    pub demo: Option<demo::Link>,
}

/// How the loop ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// The person left.
    Quit,
    /// The person left the setup for the demo.
    ForTheDemo,
    /// Marks could not be written to the end.
    MarksUnsaved,
    /// A signal ended the program; or its terminal was closed, which is as good as SIGHUP.
    BySignal(Signal),
    /// Something beside the loop has panicked, and the terminal was given back.
    Broken,
}

/// Why there is no screen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The terminal cannot be used.
    #[error("cannot use the terminal")]
    Terminal(#[source] io::Error),
    /// Signals cannot be listened to.
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
    /// A cache cannot be used.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The settings do not say where the caches are.
    #[error(transparent)]
    Config(#[from] crate::config::Error),
}

/// How many reports and effects may wait.
const WAITING: usize = 1_024;
/// How many events may wait for the screen: any may hold thousands of headlines.
const EVENTS: usize = 4;
/// How long the first frame waits for the saved list.
const FIRST_FRAME: Duration = Duration::from_millis(100);
/// How many events are taken in before a frame is drawn all the same.
const MOST_BEFORE_FRAME: usize = 256;

/// Runs the screen until the person leaves.
///
/// # Errors
///
/// A cache or the terminal cannot be used.
pub async fn run(beginning: Beginning) -> Result<Ended, Error> {
    let (events, mut happened) = mpsc::channel(EVENTS);
    let (reports, mut reported) = mpsc::channel(WAITING);
    let (follow_ups, mut followed) = mpsc::channel(WAITING);
    let mut world = World::open(
        beginning.settings,
        beginning.settings_path,
        Ways {
            events,
            reports,
            follow_ups,
        },
        beginning.unicode,
    )
    .await?;
    let (wishes_of_demo, mut demo) = match beginning.demo {
        Some(link) => (Some(link.wishes), Some(link.events)),
        None => (None, None),
    };
    let mut signals = Caught::listen().map_err(Error::Signals)?;
    let mut screen = Screen::take(world.settings().screen.mouse).map_err(Error::Terminal)?;
    let start = Start {
        now: Timestamp::now(),
        zone: TimeZone::system(),
        size: screen.size().map_err(Error::Terminal)?,
        unicode: beginning.unicode,
        colour: beginning.colour,
        background: (beginning.colour && world.settings().screen.theme == "auto")
            .then(background::ask)
            .flatten(),
        purpose: beginning.purpose,
    };
    let (mut tui, effects) = Tui::new(world.settings(), start);
    world.shows_pictures = tui.has_pictures() && world.settings().screen.images_inline;
    let shows_a_mailbox = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Load { .. }));
    let mut keys = EventStream::new();
    let mut ended = None;
    let mut wishes = effects;
    let mut is_first = true;

    let outcome = loop {
        let mut taken = 0;
        loop {
            for effect in std::mem::take(&mut wishes) {
                let is_stop = effect == Effect::Suspend;
                if let Effect::Demo(effect) = effect {
                    wish(&wishes_of_demo, demo::wish(effect));
                    continue;
                }
                if let Some(reason) = perform(effect, &mut world, &mut screen, &mut keys) {
                    ended = Some(reason);
                }
                if is_stop {
                    signals.forget_stop();
                }
            }
            taken += 1;
            let next = if taken < MOST_BEFORE_FRAME && !is_first {
                happened
                    .try_recv()
                    .ok()
                    .or_else(|| reported.try_recv().ok().map(|report| world.heard(report)))
            } else {
                None
            };
            match next {
                Some(event) => wishes = tui.handle(event),
                None => break,
            }
        }
        if let Some(reason) = ended {
            break reason;
        }
        if is_first && shows_a_mailbox {
            // The first frame holds the saved list already, unless that is slow to come.
            if let Ok(Some(event)) = time::timeout(FIRST_FRAME, happened.recv()).await {
                wishes = tui.handle(event);
                for effect in std::mem::take(&mut wishes) {
                    ended = perform(effect, &mut world, &mut screen, &mut keys).or(ended);
                }
            }
        }
        if screen.draw(|frame| tui.draw(frame)).is_err() {
            // Nobody is there to see it: the terminal was closed.
            break Ended::BySignal(Signal::HUP);
        }
        if is_first {
            // The saved list is on the screen before the first byte of network.
            world.start_pollers();
            is_first = false;
        }

        wishes = tokio::select! {
            key = next_key(&mut keys) => match key {
                Some(Ok(event)) => {
                    wish(&wishes_of_demo, Wish::Typed);
                    on_terminal_event(&mut tui, event)
                }
                Some(Err(_)) | None => break Ended::BySignal(Signal::HUP),
            },
            Some(event) = happened.recv() => tui.handle(event),
            Some(report) = reported.recv() => tui.handle(world.heard(report)),
            Some(effect) = followed.recv() => vec![effect],
            Some(event) = next_of(&mut demo) => {
                let is_news = demo::calls_for_check(&event);
                let mut effects =
                    demo::told(event).map_or_else(Vec::new, |event| tui.handle(event));
                if is_news {
                    effects.push(Effect::CheckNow {
                        mailbox: MailboxIndex(0),
                    });
                }
                effects
            }
            caught = signals.next() => match caught {
                CaughtSignal::Stop => vec![Effect::Suspend],
                CaughtSignal::Continue => vec![Effect::Redraw],
                CaughtSignal::End(signal) => break Ended::BySignal(signal),
            },
            () = terminal::lost() => break Ended::Broken,
        };
    };
    drop(screen);
    if world.close().await {
        Ok(outcome)
    } else {
        Ok(Ended::MarksUnsaved)
    }
}

/// Performs an effect: what is the terminal's here, all else in the world. Gives how the loop ends,
/// if it does: a terminal that was closed ends it as a signal does, and marks are still written.
fn perform(
    effect: Effect,
    world: &mut World,
    screen: &mut Screen,
    keys: &mut EventStream,
) -> Option<Ended> {
    let done = match effect {
        Effect::Quit => return Some(Ended::Quit),
        Effect::StartDemo => return Some(Ended::ForTheDemo),
        Effect::Suspend => screen.lend(stop_for_now),
        Effect::Redraw => screen.clear(),
        Effect::SetTitle(title) => screen.set_title(&crate::notice::shown::Shown::line(&title)),
        Effect::Ring => screen.ring(),
        Effect::Post(words) => screen.post(&words),
        Effect::Copy { text } => screen.copy(&text),
        Effect::Pipe { wanted, command } => {
            // Nobody else may read the keyboard while the program does.
            *keys = EventStream::new();
            let outcome = screen.lend(|| world.pipe(wanted, &command));
            *keys = EventStream::new();
            outcome
        }
        effect => {
            world.perform(effect);
            Ok(())
        }
    };
    done.err().map(|_| Ended::BySignal(Signal::HUP))
}

fn on_terminal_event(tui: &mut Tui, event: terminal_event::Event) -> Vec<Effect> {
    match event {
        terminal_event::Event::Key(key) if key.kind != KeyEventKind::Release => tui.key(key),
        terminal_event::Event::Paste(text) => tui.handle(Event::Pasted(text)),
        terminal_event::Event::Resize(columns, rows) => {
            tui.handle(Event::Resized { columns, rows })
        }
        terminal_event::Event::Mouse(mouse) => {
            use terminal_event::MouseEventKind;
            let (column, row) = (mouse.column, mouse.row);
            match mouse.kind {
                MouseEventKind::Down(_) => tui.handle(Event::Clicked { column, row }),
                MouseEventKind::ScrollDown => tui.handle(Event::Scrolled { column, row, by: 3 }),
                MouseEventKind::ScrollUp => tui.handle(Event::Scrolled {
                    column,
                    row,
                    by: -3,
                }),
                _ => Vec::new(),
            }
        }
        terminal_event::Event::Key(_)
        | terminal_event::Event::FocusGained
        | terminal_event::Event::FocusLost => Vec::new(),
    }
}

/// Tells the demo, if there is one, what the person wants.
fn wish(wishes: &Option<mpsc::Sender<Wish>>, wish: Wish) {
    if let Some(wishes) = wishes {
        // A demo that is behind with wishes is told again by the next key.
        let _ = wishes.try_send(wish);
    }
}

/// What happens next in the demo; never, if there is none.
async fn next_of(
    demo: &mut Option<mpsc::Receiver<crate::demo::event::Event>>,
) -> Option<crate::demo::event::Event> {
    match demo {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_key(keys: &mut EventStream) -> Option<io::Result<terminal_event::Event>> {
    std::future::poll_fn(|context| futures_util::Stream::poll_next(Pin::new(&mut *keys), context))
        .await
}

/// Stops the program and its group as Ctrl-Z does; returns when it is continued.
fn stop_for_now() {
    // The group hears SIGTSTP, so that a program that started us stops as well. Here it is caught,
    // so that the terminal is given back first; what stops us is SIGSTOP.
    let _ = kill_current_process_group(Signal::TSTP);
    let _ = kill_process(getpid(), Signal::STOP);
}

/// The signals that concern the terminal.
struct Caught {
    terminate: Signals,
    hang_up: Signals,
    interrupt: Signals,
    stop: Signals,
    resume: Signals,
    deaf_until: Instant,
}

enum CaughtSignal {
    Stop,
    Continue,
    End(Signal),
}

/// How long after a stop its own signals may still arrive: they were sent while we stood still.
const ECHO: Duration = Duration::from_millis(200);

impl Caught {
    fn listen() -> io::Result<Caught> {
        Ok(Caught {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?,
            resume: signal(SignalKind::from_raw(Signal::CONT.as_raw()))?,
            deaf_until: Instant::now(),
        })
    }

    /// The program was stopped and goes on: what is heard of that now is not another stop.
    fn forget_stop(&mut self) {
        self.deaf_until = Instant::now() + ECHO;
    }

    async fn next(&mut self) -> CaughtSignal {
        loop {
            let caught = tokio::select! {
                _ = self.terminate.recv() => return CaughtSignal::End(Signal::TERM),
                _ = self.hang_up.recv() => return CaughtSignal::End(Signal::HUP),
                _ = self.interrupt.recv() => return CaughtSignal::End(Signal::INT),
                _ = self.resume.recv() => CaughtSignal::Continue,
                _ = self.stop.recv() => CaughtSignal::Stop,
            };
            if Instant::now() >= self.deaf_until {
                return caught;
            }
        }
    }
}

impl World {
    /// What a poller's report is to the screen.
    fn heard(&mut self, (mailbox, report): (MailboxIndex, Report)) -> Event {
        self.note(mailbox, &report);
        Event::Reported { mailbox, report }
    }
}
