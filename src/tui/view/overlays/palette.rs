//! Every command with its keys, found by a few of its letters.

use nucleo_matcher::{
    Config, Matcher,
    pattern::{CaseMatching, Normalization, Pattern},
};

use crate::{
    notice::shown::Shown,
    tui::{
        action::{Action, Mode},
        layout::Area,
        model::{Model, Room, overlay::Menu},
        theme::Role,
    },
};

use super::super::pen::Pen;

/// Something that can be chosen in the palette.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command {
    /// An action.
    Do(Action),
    /// Open the mailbox of this index.
    OpenMailbox(usize),
    /// Search as the settings say, by the search's index.
    Search(usize),
}

/// Where the palette lies.
pub fn area(model: &Model) -> Area {
    super::field::place(model, 70, 18, 3)
}

/// Draws the palette.
pub fn draw(model: &Model, menu: &Menu, pen: &mut Pen) {
    let area = area(model);
    pen.border(area, "Commands", "Enter run  Esc close");
    super::field::menu_line(menu, area, pen);
    let commands = commands(model, menu.line.text());
    let visible = commands.iter().enumerate().skip(menu.top);
    for (y, (place, command)) in (area.y + 3..area.bottom().saturating_sub(1)).zip(visible) {
        let end = area.right() - 1;
        let keys = Shown::text(&keys(model, *command));
        let start = pen.put_end(end - 1, y, &keys, Role::Accent);
        let x = area.x + 4;
        let after = pen.put_cut(
            x,
            y,
            16.min(start.saturating_sub(x)),
            name(model, *command),
            Role::Text,
        );
        let x = after.max(area.x + 21);
        let says = Shown::text(&says(model, *command));
        pen.put_cut(x, y, start.saturating_sub(x + 2), &says, Role::Muted);
        if place == menu.selected {
            pen.glyph(area.x + 2, y, ">", Role::Accent);
            let line = Area {
                x: area.x + 1,
                y,
                columns: area.columns - 2,
                rows: 1,
            };
            pen.tint(line, Role::Selection);
        }
    }
}

/// The commands that what was typed may mean, the likeliest first.
pub fn commands(model: &Model, typed: &str) -> Vec<Command> {
    let actions = Action::ALL.iter().filter(|action| !action.is_hidden());
    let actions = actions.filter(|action| model.demo.is_some() || !action.is_of_demo());
    let mailboxes = (0..model.mailboxes.len()).map(Command::OpenMailbox);
    let all: Vec<Command> = actions
        .map(|action| Command::Do(*action))
        .chain(mailboxes)
        .chain((0..model.saved.len()).map(Command::Search))
        .collect();
    let typed = typed.trim();
    if typed.is_empty() {
        return all;
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
    let mut score = |words: &str| {
        let mut letters = Vec::new();
        pattern.score(
            nucleo_matcher::Utf32Str::new(words, &mut letters),
            &mut matcher,
        )
    };
    let mut scored: Vec<(u32, Command)> = all
        .into_iter()
        .filter_map(|command| {
            let name = name(model, command);
            // What a command is called weighs more than what is said of it.
            let by_name = score(&name).map(|score| score * 2 + u32::from(*name == *typed) * 1_000);
            let by_words = score(&says(model, command));
            Some((by_name.max(by_words)?, command))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, command)| command).collect()
}

fn name(model: &Model, command: Command) -> Shown {
    match command {
        Command::Do(action) => Shown::text(&action.command()),
        Command::OpenMailbox(place) => model.mailboxes[place].name.clone(),
        Command::Search(number) => Shown::line(&model.saved[number].name),
    }
}

fn says(model: &Model, command: Command) -> String {
    match command {
        Command::Do(action) => action.says().to_owned(),
        Command::OpenMailbox(place) => format!("open the mailbox {}", model.mailboxes[place].name),
        Command::Search(number) => format!("search {}", model.saved[number].query),
    }
}

fn keys(model: &Model, command: Command) -> String {
    match command {
        Command::Do(action) => {
            let mode = match (&model.room, action.is_of_demo()) {
                (_, true) => Mode::Demo,
                (Room::Activity(_), false) => Mode::Activity,
                (Room::Mail | Room::SetUp(_), false) => Mode::List,
            };
            let keys: Vec<String> = model
                .keymap
                .keys(mode, action)
                .take(3)
                .map(|key| key.to_string())
                .collect();
            keys.join(" ")
        }
        Command::OpenMailbox(place @ 0..9) => (place + 1).to_string(),
        Command::OpenMailbox(_) | Command::Search(_) => String::new(),
    }
}
