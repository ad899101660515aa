//! The program in a real pseudo terminal: keys go in as bytes, and what comes out is drawn on a
//! screen to look at. Nothing here waits for time, only for what shall be on the screen.

use std::{
    io::{Read, Write},
    path::Path,
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use super::program::{PROGRAM, Person, eventually};

/// However busy the machine is, what shall be on the screen is there within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal with a program in it.
pub struct Terminal {
    master: Box<dyn MasterPty>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Seen>,
    reader: JoinHandle<()>,
    /// The settings of the line before the program had it, in words.
    line_before: String,
}

/// How the program left the terminal.
pub struct Left {
    pub code: u32,
    /// All bytes that it sent.
    pub bytes: Vec<u8>,
    pub screen: vt100::Screen,
    /// The settings of the line before and after.
    pub line: [String; 2],
}

#[derive(Default)]
struct Seen {
    came: Condvar,
    now: Mutex<Option<Now>>,
}

/// What has come so far.
struct Now {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    /// The beginning of a character whose end is still to come.
    half: Vec<u8>,
    is_over: bool,
}

impl Now {
    /// Draws what came. The screen of the tests leaves U+FFFD out, which terminals show as one
    /// column: it is a question mark here.
    fn process(&mut self, bytes: &[u8]) {
        const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

        self.half.extend_from_slice(bytes);
        let split = (1..REPLACEMENT.len())
            .rev()
            .find(|length| self.half.ends_with(&REPLACEMENT[..*length]))
            .unwrap_or(0);
        let rest = self.half.split_off(self.half.len() - split);
        let whole = std::mem::replace(&mut self.half, rest);
        let mut from = 0;
        for at in memchr::memmem::find_iter(&whole, REPLACEMENT) {
            self.parser.process(&whole[from..at]);
            self.parser.process(b"?");
            from = at + REPLACEMENT.len();
        }
        self.parser.process(&whole[from..]);
    }
}

/// Columns and rows of the screens in the drawings.
pub const ORDINARY: (u16, u16) = (80, 24);
pub const WIDE: (u16, u16) = (120, 36);

impl Terminal {
    /// The program, as this person starts it.
    pub fn open(person: &Person, size: (u16, u16), arguments: &[&str]) -> Terminal {
        Terminal::open_with(person, size, arguments, &[])
    }

    /// The same with more in its environment.
    pub fn open_with(
        person: &Person,
        size: (u16, u16),
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Terminal {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(arguments);
        if person.settings().exists() {
            command.arg("--config");
            command.arg(person.settings());
        }
        Terminal::run(person, size, command, environment)
    }

    /// Any program, in this person's environment.
    pub fn of_program(
        person: &Person,
        size: (u16, u16),
        program: &Path,
        arguments: &[&str],
    ) -> Terminal {
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        Terminal::run(person, size, command, &[])
    }

    fn run(
        person: &Person,
        (columns, rows): (u16, u16),
        mut command: CommandBuilder,
        environment: &[(&str, &str)],
    ) -> Terminal {
        let pair = native_pty_system()
            .openpty(size_of(columns, rows))
            .expect("a pseudo terminal");
        command.env_clear();
        for (name, value) in person.environment() {
            command.env(name, value);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(person.path("."));
        let line_before = line_of(&*pair.master);
        let child = pair.slave.spawn_command(command).expect("a program");
        // The end of the program is the end of the output only if nobody else could still write.
        drop(pair.slave);
        let seen = Arc::new(Seen::default());
        *seen.now.lock().expect("the screen") = Some(Now {
            parser: vt100::Parser::new(rows, columns, 0),
            bytes: Vec::new(),
            half: Vec::new(),
            is_over: false,
        });
        let output = pair.master.try_clone_reader().expect("its output");
        let sees = seen.clone();
        Terminal {
            writer: pair.master.take_writer().expect("its keyboard"),
            master: pair.master,
            child,
            seen,
            reader: std::thread::spawn(move || sees.read(output)),
            line_before,
        }
    }

    /// Types keys; `\r` is Enter, `\x1b` Esc.
    pub fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("a keyboard");
        self.writer.flush().expect("a keyboard");
    }

    pub fn resize(&mut self, (columns, rows): (u16, u16)) {
        {
            let mut now = self.seen.now.lock().expect("the screen");
            let now = now.as_mut().expect("a screen");
            now.parser.screen_mut().set_size(rows, columns);
        }
        let size = size_of(columns, rows);
        self.master.resize(size).expect("another size");
    }

    pub fn signal(&self, signal: Signal) {
        let id = self.child.process_id().expect("a process").cast_signed();
        let pid = Pid::from_raw(id).expect("a process");
        kill_process(pid, signal).expect("a signal");
    }

    /// Waits until this text is on the screen, and gives all that is on it.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("`{text}` on the screen"), |screen| {
            screen.contents().contains(text)
        })
    }

    /// Waits until this text is no longer on the screen, and gives all that is on it.
    #[track_caller]
    pub fn wait_for_no(&self, text: &str) -> String {
        self.wait_until(&format!("no `{text}` on the screen"), |screen| {
            !screen.contents().contains(text)
        })
    }

    /// Waits until the screen is so, and gives all that is on it.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) -> String {
        let goes_on = |now: &mut Option<Now>| {
            now.as_ref()
                .is_some_and(|now| !is_so(now.parser.screen()) && !now.is_over)
        };
        let (now, _) = self
            .seen
            .came
            .wait_timeout_while(self.seen.now.lock().expect("the screen"), PATIENCE, goes_on)
            .expect("the screen");
        let screen = now.as_ref().expect("a screen").parser.screen();
        assert!(is_so(screen), "waited for {what}:\n{}", screen.contents());
        screen.contents()
    }

    /// Waits until what is typed is no longer shown by the line itself.
    #[track_caller]
    pub fn wait_for_silence(&self) {
        eventually("a line without echo", || {
            let flags = self.master.get_termios().map(|line| line.local_flags);
            let flags = format!("{flags:?}");
            !flags
                .split(|c: char| !c.is_alphanumeric())
                .any(|flag| flag == "ECHO")
        });
    }

    /// What is on the screen now.
    pub fn screen(&self) -> vt100::Screen {
        let now = self.seen.now.lock().expect("the screen");
        now.as_ref().expect("a screen").parser.screen().clone()
    }

    /// Waits until the program has ended, and looks at what it left.
    #[track_caller]
    pub fn leave(mut self) -> Left {
        let is_on = |now: &mut Option<Now>| now.as_ref().is_some_and(|now| !now.is_over);
        let (_, wait) = self
            .seen
            .came
            .wait_timeout_while(self.seen.now.lock().expect("the screen"), PATIENCE, is_on)
            .map(|(now, wait)| (drop(now), wait))
            .expect("the screen");
        if wait.timed_out() {
            let shown = self.screen().contents();
            let _ = self.child.kill();
            panic!("it does not end:\n{shown}");
        }
        self.reader.join().expect("its output is read");
        let status = self.child.wait().expect("it ends");
        let line_after = line_of(&*self.master);
        let now = self.seen.now.lock().expect("the screen").take();
        let now = now.expect("a screen");
        Left {
            code: status.exit_code(),
            screen: now.parser.screen().clone(),
            bytes: now.bytes,
            line: [self.line_before, line_after],
        }
    }
}

impl Left {
    /// The terminal is as it was before: what a shell expects.
    #[track_caller]
    pub fn is_in_order(&self) {
        assert!(
            !self.screen.alternate_screen(),
            "the alternate screen is on"
        );
        assert!(!self.screen.hide_cursor(), "the cursor is hidden");
        assert!(!self.screen.bracketed_paste(), "bracketed paste is on");
        assert_eq!(
            self.screen.mouse_protocol_mode(),
            vt100::MouseProtocolMode::None
        );
        assert_eq!(self.line[1], self.line[0], "the line is not as it was");
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl Seen {
    fn read(&self, mut output: Box<dyn Read + Send>) {
        let mut buffer = [0; 4096];
        loop {
            // Reading fails once nobody has the other side open any more.
            let count = output.read(&mut buffer).unwrap_or(0);
            let mut now = self.now.lock().expect("the screen");
            if let Some(now) = now.as_mut() {
                now.process(&buffer[..count]);
                now.bytes.extend_from_slice(&buffer[..count]);
                now.is_over = count == 0;
            }
            self.came.notify_all();
            if count == 0 {
                return;
            }
        }
    }
}

fn size_of(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn line_of(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}
