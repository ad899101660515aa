//! `keys`, `themes`, `completions`, `man`: what the program says about itself.

use clap::Args;
use serde::Serialize;

use super::{
    FormArgs, Global, command,
    failure::Failure,
    output::{Form, Out, words},
    settings_path,
};
use crate::{
    config::{Settings, file},
    notice::shown::Shown,
    tui::{self, keymap::Keymap, theme::Theme},
};

/// What `keys` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  tidings keys | grep reader")]
pub struct KeysArgs {
    #[command(flatten)]
    form: FormArgs,
}

/// What `themes` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  tidings themes")]
pub struct ThemesArgs {
    #[command(flatten)]
    form: FormArgs,
}

/// What `completions` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  tidings completions bash > ~/.local/share/bash-completion/completions/tidings"
)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

#[derive(Serialize)]
struct KeyItem {
    mode: &'static str,
    key: String,
    action: &'static str,
    does: &'static str,
}

/// Lists the keys in force, by mode.
///
/// # Errors
///
/// The settings cannot be used, or stdout is closed.
pub fn keys(args: &KeysArgs, global: &Global) -> Result<(), Failure> {
    let loaded = file::load(&settings_path(global)?)?;
    let (keymap, _) = Keymap::new(&loaded.settings.keys);
    for problem in &tui::problems(&loaded.settings) {
        super::remark::remark(&problem.shown());
    }
    let items: Vec<KeyItem> = keymap
        .bindings()
        .iter()
        .map(|(mode, key, action)| KeyItem {
            mode: mode.name(),
            key: key.to_string(),
            action: action.name(),
            does: action.says(),
        })
        .collect();
    let mut out = Out::new();
    let form = args.form.form(&out);
    if matches!(form, Form::Json | Form::JsonLines) {
        out.json(form, &items)?;
        return out.flush();
    }
    let rows: Vec<Vec<Shown>> = items
        .iter()
        .map(|item| {
            vec![
                Shown::from_static(item.mode),
                Shown::line(&item.key),
                Shown::from_static(item.action),
                Shown::from_static(item.does),
            ]
        })
        .collect();
    let columns = [words("mode"), words("key"), words("action"), words("does")];
    out.table(form, &columns, &rows)?;
    out.flush()
}

/// What is wrong with the keys and the theme of the settings, a line each.
pub fn troubles(settings: &Settings) -> Vec<String> {
    tui::problems(settings)
        .iter()
        .map(|problem| problem.shown().to_string())
        .collect()
}

#[derive(Serialize)]
struct ThemeItem {
    theme: &'static str,
}

/// Lists the themes.
///
/// # Errors
///
/// Stdout is closed.
pub fn themes(args: &ThemesArgs) -> Result<(), Failure> {
    let mut out = Out::new();
    let form = args.form.form(&out);
    let items: Vec<ThemeItem> = Theme::choices().map(|theme| ThemeItem { theme }).collect();
    if matches!(form, Form::Json | Form::JsonLines) {
        out.json(form, &items)?;
        return out.flush();
    }
    let rows: Vec<Vec<Shown>> = items
        .iter()
        .map(|item| vec![Shown::from_static(item.theme)])
        .collect();
    out.table(form, &[words("theme")], &rows)?;
    out.flush()
}

/// Prints completions for a shell.
///
/// # Errors
///
/// Stdout is closed.
pub fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "tidings", &mut script);
    let mut out = Out::new();
    out.document(&script)?;
    out.flush()
}

/// Prints the manual page, with a section for each command.
///
/// # Errors
///
/// Stdout is closed.
pub fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    let render = |command: clap::Command, page: &mut Vec<u8>| {
        clap_mangen::Man::new(command)
            .render(page)
            .map_err(|error| Failure::unexpected("cannot write the manual page", error))
    };
    render(command(), &mut page)?;
    for sub in command().get_subcommands() {
        let name = format!("tidings-{}", sub.get_name());
        render(sub.clone().name(name), &mut page)?;
    }
    let mut out = Out::new();
    out.document(&page)?;
    out.flush()
}
