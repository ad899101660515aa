//! Colours by role. A theme is a file of `assets/themes`; nothing else in the room names a colour.

use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::config::nearest::nearest;

use super::{Background, problem::Problem};

/// What a piece of the screen means; the theme says how that looks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Ordinary text.
    Text,
    /// What is less than the message: times, labels, hints' words.
    Muted,
    /// Keys in hints, matches, what draws the eye.
    Accent,
    /// The selected row.
    Selection,
    /// An unread notice.
    Unread,
    /// An important notice.
    Important,
    /// All is well.
    Ok,
    /// Something to know.
    Warn,
    /// Something that failed.
    Error,
    /// A link.
    Link,
    /// Text of an earlier mail.
    Quote,
    /// Rules, dividers and borders.
    Rule,
    /// The header.
    Bar,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 13] = [
        Role::Text,
        Role::Muted,
        Role::Accent,
        Role::Selection,
        Role::Unread,
        Role::Important,
        Role::Ok,
        Role::Warn,
        Role::Error,
        Role::Link,
        Role::Quote,
        Role::Rule,
        Role::Bar,
    ];

    /// Its letter in snapshots of screens.
    pub fn letter(self) -> char {
        match self {
            Role::Text => 't',
            Role::Muted => 'm',
            Role::Accent => 'a',
            Role::Selection => 's',
            Role::Unread => 'u',
            Role::Important => 'i',
            Role::Ok => 'o',
            Role::Warn => 'w',
            Role::Error => 'e',
            Role::Link => 'l',
            Role::Quote => 'q',
            Role::Rule => 'r',
            Role::Bar => 'b',
        }
    }
}

/// Colours by role.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    background: Option<Color>,
    styles: [Style; Role::ALL.len()],
}

impl Theme {
    /// The theme of this name, `terminal` if there is none of it.
    ///
    /// `auto` is `dark` or `light` as the terminal's background is, `terminal` if it does not say.
    /// Without colour every theme is `mono`.
    pub fn choose(name: &str, colour: bool, background: Option<Background>) -> Theme {
        let name = match (colour, name, background) {
            (false, _, _) => "mono",
            (true, "auto", Some(Background::Dark)) => "dark",
            (true, "auto", Some(Background::Light)) => "light",
            (true, name, _) => name,
        };
        Theme::named(name)
            .unwrap_or_else(|| Theme::named("terminal").expect("there is a theme of this name"))
    }

    /// What is wrong with a name in the settings that is no theme's.
    pub fn problem(name: &str) -> Option<Problem> {
        (!Theme::choices().any(|known| known == name)).then(|| Problem {
            place: "screen.theme".to_owned(),
            wrong: name.to_owned(),
            nearest: nearest(name, Theme::choices()),
            at: None,
        })
    }

    /// The theme of this name.
    pub fn named(name: &str) -> Option<Theme> {
        let (_, source) = THEMES.iter().find(|(known, _)| *known == name)?;
        let file: File =
            toml::from_str(source).expect("the themes that come along are well-formed");
        Some(file.into())
    }

    /// The names of all themes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        THEMES.iter().map(|(name, _)| *name)
    }

    /// What `screen.theme` may be: the themes, and `auto`.
    pub fn choices() -> impl Iterator<Item = &'static str> {
        Theme::names().chain(["auto"])
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The ground on which all stands; none is the terminal's own.
    pub fn background(&self) -> Option<Color> {
        self.background
    }
}

/// A theme as it stands in its file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    background: Option<String>,
    roles: std::collections::HashMap<Role, Look>,
}

/// How a role looks, as it stands in a theme's file.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Look {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
}

impl From<File> for Theme {
    fn from(file: File) -> Theme {
        let background = file.background.as_deref().map(colour);
        Theme {
            background,
            styles: Role::ALL.map(|role| {
                let look = file.roles.get(&role).expect("a theme gives every role");
                look.style(background)
            }),
        }
    }
}

impl Look {
    fn style(&self, background: Option<Color>) -> Style {
        let modifiers = [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.italic, Modifier::ITALIC),
            (self.underline, Modifier::UNDERLINED),
            (self.reverse, Modifier::REVERSED),
        ];
        let set = modifiers.iter().filter(|(set, _)| *set);
        Style {
            fg: self.fg.as_deref().map(colour),
            bg: self.bg.as_deref().map(colour).or(background),
            add_modifier: set.map(|(_, modifier)| *modifier).collect(),
            ..Style::default()
        }
    }
}

fn colour(name: &str) -> Color {
    Color::from_str(name).expect("the colours of the themes that come along exist")
}

const THEMES: [(&str, &str); 4] = [
    (
        "terminal",
        include_str!("../../assets/themes/terminal.toml"),
    ),
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    ("mono", include_str!("../../assets/themes/mono.toml")),
];
