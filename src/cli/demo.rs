//! `tidings demo`: on a screen, in words (`--plain`), or for other terminals (`--serve`), which join
//! by `tidings --demo-as NAME`.

use std::{
    io::{IsTerminal, stdin, stdout},
    process::ExitCode,
};

use clap::Args;
use jiff::tz::TimeZone;
use rustix::process::Signal;

use super::{
    Global,
    failure::{self, Failure},
    output::Out,
    remark::remark,
    screen,
    signals::{self, Signals},
};
use crate::{
    app::{Beginning, demo::Link},
    causes::chain,
    demo::{
        self, Demo, Options, Played,
        event::Event,
        join::{self, Invitation},
        plain::{self, Teller},
    },
    notice::{MailboxIndex, shown::Shown},
    tui::Purpose,
};

/// What `demo` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    tidings demo              watch, read along, try things\n  \
    tidings demo --plain      the story in words, half a minute\n  \
    tidings demo --serve      for several terminals: `tidings --demo-as ana`\n\n\
    Everything lies in a temporary folder and is gone afterwards.")]
pub struct DemoArgs {
    /// Tell the story in words, without a screen, and end by itself.
    #[arg(long, conflicts_with = "serve")]
    plain: bool,

    /// Only serve the mailbox, and wait for other terminals until Ctrl-C.
    #[arg(long)]
    serve: bool,

    /// Repeat the story that belongs to this number.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// How many seconds of the story go into one of ours.
    #[arg(long, value_name = "TIMES", hide = true, default_value_t = PACE, value_parser = pace)]
    pace: f64,
}

impl Default for DemoArgs {
    fn default() -> DemoArgs {
        DemoArgs {
            plain: false,
            serve: false,
            seed: None,
            pace: PACE,
        }
    }
}

/// As in life.
const PACE: f64 = 1.0;

/// How a demo in words ended.
enum Ending {
    Told,
    BySignal(Signal),
}

/// Shows the demo in the way that was asked for, or in words where there is no terminal.
///
/// # Errors
///
/// The demo cannot run, or its output cannot be written.
pub async fn demo(args: DemoArgs, global: &Global) -> Result<ExitCode, Failure> {
    if args.serve {
        return serve(&args).await;
    }
    let has_terminal = stdin().is_terminal() && stdout().is_terminal();
    if args.plain || !has_terminal {
        if !args.plain {
            remark(&Shown::from_static(
                "tidings: no terminal here, so the demo is told in words",
            ));
        }
        return tell(&args).await;
    }
    watch(&args, global).await
}

/// Joins the demo that waits for other terminals, as this person.
///
/// # Errors
///
/// No demo waits, there is no terminal, or the cache cannot be used.
pub async fn join(person: &str, global: &Global) -> Result<ExitCode, Failure> {
    screen::needs_terminal()?;
    let invitation = Invitation::find().map_err(cannot_join)?;
    let beginning = Beginning {
        settings: invitation.settings(person).map_err(cannot_join)?,
        // Nothing is read from there: what a setup would write is gone with the demo.
        settings_path: invitation.readers.join("tidings.toml"),
        purpose: Purpose::Read(MailboxIndex(0)),
        colour: screen::has_colour(global),
        unicode: screen::has_unicode(),
        demo: None,
    };
    screen::code(screen::run(beginning).await?)
}

/// The demo on the screen.
async fn watch(args: &DemoArgs, global: &Global) -> Result<ExitCode, Failure> {
    let demo = Demo::start(options(args, Played::Teammates)).await?;
    let beginning = Beginning {
        settings: demo.invitation.settings("you").map_err(demo::Error::from)?,
        settings_path: demo.invitation.readers.join("tidings.toml"),
        purpose: Purpose::Demo {
            server: demo.server().to_string(),
            began: demo.began,
        },
        colour: screen::has_colour(global),
        unicode: screen::has_unicode(),
        demo: Some(Link {
            wishes: demo.wishes,
            events: demo.events,
        }),
    };
    let outcome = screen::run(beginning).await;
    // The loop has dropped its ends of the link: the readers say QUIT, and the folder goes.
    end(demo.end).await?;
    screen::code(outcome?)
}

/// The demo in words.
async fn tell(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let mut demo = Demo::start(options(args, Played::Everybody)).await?;
    let mut out = Out::new();
    let outcome = tell_all(&mut demo, &mut out).await;
    let Demo {
        wishes,
        events,
        end: ending,
        ..
    } = demo;
    drop((wishes, events));
    end(ending).await?;
    match outcome? {
        Ending::Told => {
            say(&mut out, plain::closing())?;
            Ok(ExitCode::SUCCESS)
        }
        Ending::BySignal(signal) => Ok(signals::code(signal)),
    }
}

async fn tell_all(demo: &mut Demo, out: &mut Out) -> Result<Ending, Failure> {
    let mut teller = Teller::new(demo.began, TimeZone::system());
    say(out, plain::opening(demo.server(), demo.stored))?;
    let mut signals = Signals::listen()?;
    while !teller.is_over() {
        let event = tokio::select! {
            event = demo.events.recv() => event,
            signal = signals.next() => return Ok(Ending::BySignal(signal)),
        };
        match event {
            Some(event) => say(out, teller.tell(&event))?,
            // It ended too early: the reason comes with its end.
            None => break,
        }
    }
    Ok(Ending::Told)
}

/// The demo for other terminals.
async fn serve(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let mut demo = Demo::start(options(args, Played::Nobody)).await?;
    let outcome = serve_all(&mut demo).await;
    let Demo {
        wishes,
        events,
        end: ending,
        ..
    } = demo;
    drop((wishes, events));
    end(ending).await?;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn serve_all(demo: &mut Demo) -> Result<(), Failure> {
    let posted = demo.invitation.post();
    let mut out = Out::new();
    let spool = demo.spool.display();
    say(
        &mut out,
        [
            format!("serving {spool} on pop3://{}", demo.server()),
            format!("account {}", demo.invitation.account),
            format!("password {}", demo.invitation.password),
        ],
    )?;
    match &posted {
        Ok(_) => remark(&Shown::from_static(
            "join from other terminals: tidings --demo-as ana (or tom, or you); Ctrl-C ends it",
        )),
        // Whoever knows the account can take part all the same.
        Err(error) => remark(&Shown::line(&format!(
            "--demo-as will not find this demo: {}",
            chain(error)
        ))),
    }
    let mut teller = Teller::new(demo.began, TimeZone::system());
    let mut signals = Signals::listen()?;
    loop {
        tokio::select! {
            event = demo.events.recv() => match event {
                // What is for the readers of a story means nothing here: nobody is played.
                Some(event @ (Event::Delivered { .. } | Event::LedgerShown(_))) => {
                    teller.tell(&event).iter().for_each(|line| remark(&Shown::text(line)));
                }
                Some(_) => {}
                None => return Ok(()),
            },
            _ = signals.next() => return Ok(()),
        }
    }
}

fn options(args: &DemoArgs, played: Played) -> Options {
    Options {
        seed: args
            .seed
            .unwrap_or_else(|| getrandom::u64().unwrap_or_default()),
        pace: args.pace,
        played,
    }
}

fn say(out: &mut Out, lines: impl IntoIterator<Item = String>) -> Result<(), Failure> {
    for line in lines {
        out.line(&Shown::text(&line))?;
    }
    // Whoever reads along sees each line when it happens.
    out.flush()
}

async fn end(ending: tokio::task::JoinHandle<Result<(), demo::Error>>) -> Result<(), Failure> {
    ending
        .await
        .map_err(|error| Failure::unexpected("the demo broke off", error))?
        .map_err(Failure::from)
}

fn cannot_join(error: join::Error) -> Failure {
    match error {
        join::Error::NoneFound => Failure::new(failure::UNREACHABLE, error)
            .then("start one in another terminal: `tidings demo --serve`"),
        join::Error::Name { .. } => Failure::new(failure::USAGE, error),
        error => Failure::unexpected("cannot join the demo", error),
    }
}

fn pace(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|pace| (0.1..=100.0).contains(pace))
        .ok_or_else(|| "a number from 0.1 to 100 is needed".to_owned())
}

impl From<demo::Error> for Failure {
    fn from(error: demo::Error) -> Failure {
        Failure::unexpected("cannot run the demo", error)
    }
}
