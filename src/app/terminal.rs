//! Raw mode in, raw mode out: after the end, a panic, a signal, and around Ctrl-Z.

use std::{
    io::{self, BufWriter, Stdout, Write},
    sync::Once,
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute, queue,
    style::Print,
    terminal::{
        self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen,
        LeaveAlternateScreen, SetTitle,
    },
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};
use tokio::sync::Notify;

use crate::notice::{guard, shown::Shown};

/// The terminal while the screen is up. Dropping it gives the terminal back in order.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    has_mouse: bool,
}

/// True while the terminal is ours, for the panic hook.
static IS_OURS: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
/// Tells the loop that a panic elsewhere has given the terminal back.
static LOST: Notify = Notify::const_new();

/// From now on a panic gives the terminal back before it says anything; one that is caught, over a
/// mail that a library cannot read, does neither.
pub fn restore_on_panic() {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if guard::is_guarded() {
                return;
            }
            if give_back() {
                LOST.notify_one();
            }
            before(panic);
        }));
    });
}

/// True while the screen is up: nobody else may write to the terminal then.
pub fn is_taken() -> bool {
    IS_OURS.load(Ordering::SeqCst)
}

/// Waits until a panic has given the terminal back, if ever.
pub(super) async fn lost() {
    LOST.notified().await;
}

/// The most that is copied by OSC 52, in octets: terminals drop more than about this.
const LARGEST_COPY: usize = 74_994;

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// There is none, or it does not do what it is told.
    pub fn take(has_mouse: bool) -> io::Result<Screen> {
        restore_on_panic();
        enter(has_mouse)?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, io::stdout()));
        Ok(Screen {
            terminal: Terminal::new(backend)?,
            has_mouse,
        })
    }

    /// Draws a frame; the terminal shows it at once or not at all.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Forgets what is on the terminal, so that the next frame draws all of it.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn clear(&mut self) -> io::Result<()> {
        // `Terminal::clear` asks the terminal where the cursor is. The answer would come in among
        // the keys, and a terminal that gives none would end the program.
        let area = self.terminal.size()?;
        self.terminal.resize(area.into())
    }

    /// The terminal's columns and rows.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        terminal::size()
    }

    /// Gives the terminal to somebody else while `work` runs, and takes it back.
    ///
    /// # Errors
    ///
    /// It could not be taken back.
    pub fn lend<T>(&mut self, work: impl FnOnce() -> T) -> io::Result<T> {
        give_back();
        let outcome = work();
        enter(self.has_mouse)?;
        self.clear()?;
        Ok(outcome)
    }

    /// Sets the window's title.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn set_title(&mut self, title: &Shown) -> io::Result<()> {
        execute!(
            self.terminal.backend_mut(),
            SetTitle(title.for_terminal_title())
        )
    }

    /// Rings the bell.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn ring(&mut self) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), Print('\u{7}'))
    }

    /// Tells by the desktop, where the terminal passes it on (OSC 9).
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn post(&mut self, words: &Shown) -> io::Result<()> {
        let words = words.for_terminal_title();
        execute!(
            self.terminal.backend_mut(),
            Print(format!("\u{1b}]9;{words}\u{7}"))
        )
    }

    /// Copies to the clipboard (OSC 52, in base64).
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let text = &text[..text.floor_char_boundary(LARGEST_COPY)];
        execute!(
            self.terminal.backend_mut(),
            CopyToClipboard::to_clipboard_from(text)
        )
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter(has_mouse: bool) -> io::Result<()> {
    terminal::enable_raw_mode()?;
    IS_OURS.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    // 22;0t keeps the window's title for later, and 1007s whether the wheel scrolls by arrow keys,
    // which 1007h makes it do.
    queue!(
        out,
        Print("\u{1b}[22;0t"),
        EnterAlternateScreen,
        EnableBracketedPaste,
        Print("\u{1b}[?1007s\u{1b}[?1007h"),
        cursor::Hide
    )?;
    if has_mouse {
        queue!(out, EnableMouseCapture)?;
    }
    out.flush()
}

/// Gives the terminal back, once; harmless and false if it is not ours.
fn give_back() -> bool {
    if !IS_OURS.swap(false, Ordering::SeqCst) {
        return false;
    }
    let mut out = io::stdout();
    // Whatever of this fails, the rest is tried: the terminal may be gone already.
    let _ = queue!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        cursor::Show,
        LeaveAlternateScreen,
        Print("\u{1b}[?1007r\u{1b}[23;0t")
    );
    let _ = out.flush();
    let _ = terminal::disable_raw_mode();
    true
}
