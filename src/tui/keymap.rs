//! Keys to actions, per mode: a preset from `assets/keymap.toml`, then the user's changes.
//!
//! A typo never locks anyone out: what cannot be understood is reported and skipped.

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
    sync::LazyLock,
};

use crossterm::event::KeyEvent;

use crate::config::{Keys, nearest::nearest};

use super::{
    action::{Action, Mode},
    problem::Problem,
};

pub use key::Key;

mod key;

/// Keys to actions, per mode.
#[derive(Clone, Debug)]
pub struct Keymap {
    /// In the order in which hints choose: the first key of an action is its name on the screen.
    bindings: Vec<(Mode, Key, Action)>,
    by_key: HashMap<(Mode, Key), Action>,
}

impl Keymap {
    /// The preset that the settings name, with their changes, and what was wrong with them.
    pub fn new(keys: &Keys) -> (Keymap, Vec<Problem>) {
        let mut problems = Vec::new();
        let preset = PRESETS.get(&keys.preset).unwrap_or_else(|| {
            problems.push(Problem {
                place: "keys.preset".to_owned(),
                wrong: keys.preset.clone(),
                nearest: nearest(&keys.preset, PRESETS.keys().map(String::as_str)),
                at: None,
            });
            &PRESETS["default"]
        });
        let mut keymap = Keymap {
            bindings: preset.clone(),
            by_key: HashMap::new(),
        };
        let changes = [
            (Mode::Global, &keys.global),
            (Mode::List, &keys.list),
            (Mode::Reader, &keys.reader),
            (Mode::Overlay, &keys.overlay),
        ];
        for (mode, table) in changes {
            for (key, action) in table {
                match change(mode, key, action) {
                    Ok((key, action)) => keymap.bind(mode, key, action),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        keymap.by_key = keymap
            .bindings
            .iter()
            .map(|(mode, key, action)| ((*mode, *key), *action))
            .collect();
        (keymap, problems)
    }

    /// What a key means in a mode.
    pub fn action(&self, mode: Mode, key: &KeyEvent) -> Option<Action> {
        self.meaning(mode, Key::from(key))
    }

    /// The keys that mean an action in a mode, the one for hints first.
    pub fn keys(&self, mode: Mode, action: Action) -> impl Iterator<Item = Key> {
        let own = move |(at, _, meant): &&(Mode, Key, Action)| *at == mode && *meant == action;
        let global = move |(at, key, meant): &&(Mode, Key, Action)| {
            mode != Mode::Global
                && *at == Mode::Global
                && *meant == action
                && !self.by_key.contains_key(&(mode, *key))
        };
        let own = self.bindings.iter().filter(own);
        own.chain(self.bindings.iter().filter(global))
            .map(|(_, key, _)| *key)
    }

    /// The key that stands for an action in hints, if it has one.
    pub fn key(&self, mode: Mode, action: Action) -> Option<Key> {
        self.keys(mode, action).next()
    }

    /// All bindings as they are in effect: mode, key, action.
    pub fn bindings(&self) -> &[(Mode, Key, Action)] {
        &self.bindings
    }

    /// The names of the presets.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.keys().map(String::as_str)
    }

    fn meaning(&self, mode: Mode, key: Key) -> Option<Action> {
        let here = self.by_key.get(&(mode, key));
        let found = here.or_else(|| self.by_key.get(&(Mode::Global, key)));
        found.copied().filter(|action| *action != Action::Nothing)
    }

    fn bind(&mut self, mode: Mode, key: Key, action: Action) {
        let place = self
            .bindings
            .iter()
            .position(|(at, bound, _)| (*at, *bound) == (mode, key));
        match place {
            Some(place) => self.bindings[place].2 = action,
            None => self.bindings.push((mode, key, action)),
        }
    }
}

fn change(mode: Mode, key: &str, action: &str) -> Result<(Key, Action), Problem> {
    let table = format!("keys.{}", mode.name());
    let action = Action::named(action).ok_or_else(|| {
        let names = Action::ALL.iter().map(|action| action.name());
        Problem {
            place: format!("{table}.{key}"),
            wrong: action.to_owned(),
            nearest: nearest(action, names),
            at: None,
        }
    })?;
    let key = Key::from_str(key).map_err(|_| Problem {
        place: table,
        wrong: key.to_owned(),
        nearest: nearest(key, key::NAMES.iter().copied()),
        at: None,
    })?;
    Ok((key, action))
}

type Preset = Vec<(Mode, Key, Action)>;

static PRESETS: LazyLock<BTreeMap<String, Preset>> = LazyLock::new(|| {
    let presets: BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<String>>>> =
        toml::from_str(include_str!("../../assets/keymap.toml"))
            .expect("the keymap that comes with the program is TOML");
    presets
        .into_iter()
        .map(|(name, modes)| (name, preset(&modes)))
        .collect()
});

fn preset(modes: &BTreeMap<String, BTreeMap<String, Vec<String>>>) -> Preset {
    let of_mode = |mode: &'static Mode| {
        let table = modes.get(mode.name()).into_iter().flatten();
        table.flat_map(move |(action, keys)| {
            let action = Action::named(action).expect("the keymap's actions exist");
            keys.iter().map(move |key| {
                let key = Key::from_str(key).expect("the keymap's keys exist");
                (*mode, key, action)
            })
        })
    };
    Mode::ALL.iter().flat_map(of_mode).collect()
}
