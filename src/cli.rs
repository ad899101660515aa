//! The command line: what there is to say, and who does it.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::{
    app::{Ended, terminal},
    config::file,
};

pub mod about;
pub mod check;
pub mod context;
pub mod deliver;
pub mod demo;
pub mod doctor;
mod export;
pub mod failure;
mod log;
pub mod mark;
mod marks;
pub mod output;
mod progress;
pub mod read;
pub mod remark;
pub mod save;
pub mod saved;
pub mod screen;
pub mod serve;
pub mod settings;
pub mod setup;
pub mod show;
mod signals;
pub mod watch;

use context::Context;
use failure::Failure;
use output::{Form, Out};

/// Reads a team's shared mailbox in a terminal: everyone sees every notice, nobody can take one away.
#[derive(Debug, Parser)]
#[command(
    name = "tidings",
    version,
    disable_help_subcommand = true,
    after_help = "Examples:\n  \
        tidings demo              look around, with a server and teammates of its own\n  \
        tidings setup             enter your team's mailbox\n  \
        tidings                   read it\n  \
        tidings check && tidings list | head\n\n\
        tidings only reads: nothing it does can change the mailbox on the server."
)]
pub struct Cli {
    /// The mailbox to read; the first of the settings if none is named.
    #[arg(value_name = "MAILBOX")]
    mailbox: Option<String>,

    /// Join a running `tidings demo --serve` as this person: ana, tom or you.
    #[arg(long, value_name = "NAME", exclusive = true)]
    demo_as: Option<String>,

    #[command(flatten)]
    global: Global,

    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes, before or after its name.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// The settings file, instead of the platform's.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,

    /// Say less.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more, on stderr: the dialogue with the server, passwords masked.
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Enter a mailbox: its server, user and password, with a live test.
    Setup(setup::SetupArgs),
    /// Test the connection stage by stage, and say what to do where it fails.
    Doctor(doctor::DoctorArgs),
    /// Check the mailboxes once, and keep what is new.
    Check(check::CheckArgs),
    /// Check over and over, and print a line for each new notice.
    Watch(watch::WatchArgs),
    /// List the saved notices, newest first.
    List(saved::ListArgs),
    /// Search the saved notices.
    Search(saved::SearchArgs),
    /// Count the saved notices, without the network.
    Count(saved::CountArgs),
    /// Show a notice.
    Show(show::ShowArgs),
    /// Show the oldest unread notice, and mark it as read.
    Next(show::NextArgs),
    /// Save a notice, or the files in it.
    Save(save::SaveArgs),
    /// Open a link or a file of a notice.
    Open(save::OpenArgs),
    /// Mark notices as read, unread or starred, for yourself alone.
    Mark(mark::MarkArgs),
    /// Take marks to another machine, or from other programs.
    Marks(marks::MarksArgs),
    /// List the mailboxes of the settings.
    Mailboxes(settings::MailboxesArgs),
    /// List the latest checks.
    Log(settings::LogArgs),
    /// Show or check the settings.
    Config(settings::ConfigArgs),
    /// List the keys that are in force.
    Keys(about::KeysArgs),
    /// List the themes.
    Themes(about::ThemesArgs),
    /// Show what it is about: a server, three readers, a story.
    Demo(demo::DemoArgs),
    /// Run the built-in POP3 server on its own.
    Serve(serve::ServeArgs),
    /// Append the mail on stdin to an account of the server's spool.
    Deliver(deliver::DeliverArgs),
    /// Print completions for a shell.
    Completions(about::CompletionsArgs),
    /// Print the manual page.
    #[command(after_help = "Example:\n  tidings man | man -l -")]
    Man,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    // A server's log is what happens at it; everything else is quiet unless something goes wrong.
    let server_log = match &cli.command {
        Some(Command::Serve(args)) => Some(args.log),
        _ => None,
    };
    listen_to_trace(cli.global.verbose, server_log);
    output::set_colour(screen::has_colour(&cli.global));
    remark::set_colour(screen::may_be_coloured(
        &cli.global,
        io::stderr().is_terminal(),
    ));
    terminal::restore_on_panic();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failure::report(&Failure::unexpected("cannot start", error)),
    };
    let outcome = runtime.block_on(run(cli));
    log::finish();
    // A thread that still waits for somebody else's answer holds up nobody.
    runtime.shutdown_background();
    match outcome.map_err(context::mend) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let global = cli.global;
    if let Some(person) = cli.demo_as {
        return demo::join(&person, &global).await;
    }
    let Some(command) = cli.command else {
        let ended = read::read(cli.mailbox.as_deref(), &global).await?;
        return left(ended, &global).await;
    };
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Setup(args) => left(setup::setup(args, &global).await?, &global).await,
        Command::Doctor(args) => doctor::doctor(args, &Context::load(&global)?).await,
        Command::Check(args) => check::check(args, &Context::load(&global)?).await,
        Command::Watch(args) => watch::watch(args, &Context::load(&global)?).await,
        Command::List(args) => saved::list(&args, &Context::load(&global)?).map(done),
        Command::Search(args) => saved::search(&args, &Context::load(&global)?).map(done),
        Command::Count(args) => saved::count(&args, &Context::load(&global)?),
        Command::Show(args) => show::show(&args, &global).map(done),
        Command::Next(args) => show::next(&args, &Context::load(&global)?).map(done),
        Command::Save(args) => save::save(&args, &Context::load(&global)?).map(done),
        Command::Open(args) => save::open(&args, &Context::load(&global)?).map(done),
        Command::Mark(args) => mark::mark(&args, &Context::load(&global)?).map(done),
        Command::Marks(args) => marks::marks(&args, &Context::load(&global)?).map(done),
        Command::Mailboxes(args) => settings::mailboxes(&args, &Context::load(&global)?).map(done),
        Command::Log(args) => settings::log(&args, &Context::load(&global)?).map(done),
        Command::Config(args) => settings::config(&args, &global),
        Command::Keys(args) => about::keys(&args, &global).map(done),
        Command::Themes(args) => about::themes(&args).map(done),
        Command::Demo(args) => demo::demo(args, &global).await,
        Command::Serve(args) => serve::serve(args).await,
        Command::Deliver(args) => deliver::deliver(args).map_err(Failure::from),
        Command::Completions(args) => about::completions(&args).map(done),
        Command::Man => about::man().map(done),
    }
}

/// The screen was left: for the shell, or for the demo.
async fn left(ended: Ended, global: &Global) -> Result<ExitCode, Failure> {
    match ended {
        Ended::ForTheDemo => demo::demo(demo::DemoArgs::default(), global).await,
        Ended::Quit | Ended::MarksUnsaved | Ended::BySignal(_) | Ended::Broken => {
            screen::code(ended)
        }
    }
}

/// Prints what clap has to say: help and version on stdout, mistakes on stderr.
fn usage(error: &clap::Error) -> ExitCode {
    // A closed pipe is no error, here as elsewhere.
    let _ = error.print();
    // Mail servers call `deliver`, and know the codes of sysexits.h.
    let cli = Cli::command();
    let is_delivery = std::env::args_os()
        .skip(1)
        .find(|word| {
            word.to_str()
                .is_some_and(|word| cli.find_subcommand(word).is_some())
        })
        .is_some_and(|word| word == "deliver");
    match (error.use_stderr(), is_delivery) {
        (true, false) => ExitCode::from(failure::USAGE),
        (true, true) => ExitCode::from(deliver::EX_USAGE),
        (false, _) => ExitCode::SUCCESS,
    }
}

/// Warnings go to stderr, and with `-v` the dialogue. `TIDINGS_LOG=debug` does the same.
fn listen_to_trace(verbose: bool, server: Option<serve::LogForm>) {
    let is_server = server.is_some();
    let usual = match is_server {
        true => tracing::Level::INFO,
        false => tracing::Level::WARN,
    };
    let wants_more =
        verbose || std::env::var_os("TIDINGS_LOG").is_some_and(|level| level == "debug");
    let most = if wants_more {
        tracing::Level::DEBUG
    } else {
        usual
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(if is_server { server_log } else { log })
        .log_internal_errors(false)
        .with_max_level(most)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal());
    match server {
        Some(serve::LogForm::Json) => subscriber.json().flatten_event(true).init(),
        Some(serve::LogForm::Text) | None => subscriber.init(),
    }
}

/// Where a server's log goes.
fn server_log() -> Box<dyn io::Write> {
    Box::new(log::lines())
}

/// Where the log goes: not onto a screen that is up, whose activity view tells the same.
fn log() -> Box<dyn io::Write> {
    if terminal::is_taken() {
        Box::new(io::sink())
    } else {
        Box::new(io::stderr())
    }
}

/// The command line as clap knows it, for completions and the manual page.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Where the settings are: as the command line says, else where the platform keeps them.
fn settings_path(global: &Global) -> Result<PathBuf, Failure> {
    match &global.config {
        // What is written beside it is named in it, and holds wherever one stands.
        Some(path) => Ok(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
        None => file::default_path().map_err(Failure::from),
    }
}

/// How the data of a command is written.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct FormArgs {
    /// Write JSON: one document, or with `--json=lines` one object a line.
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "document"
    )]
    json: Option<JsonHow>,
}

/// How JSON is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum JsonHow {
    /// One document.
    Document,
    /// One object a line.
    Lines,
}

impl FormArgs {
    /// The form that was asked for, or that fits where stdout leads.
    fn form(self, out: &Out) -> Form {
        match self.json {
            Some(JsonHow::Document) => Form::Json,
            Some(JsonHow::Lines) => Form::JsonLines,
            None if out.is_terminal() => Form::Table,
            None => Form::Tabs,
        }
    }
}
