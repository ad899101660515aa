//! The setup's form: its fields, what they were guessed from, and how the connection test goes.

use crate::{
    config::{Age, Mailbox, Password, Tls},
    notice::shown::Shown,
    tui::{
        effect::{Keep, Plan},
        setup::{Stage, Step, StepResult},
    },
};

use super::line::{Line, SecretLine};

/// A place in the form where keys can go.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Field {
    /// Leave the setup for the demo.
    Demo,
    /// Load a team file.
    TeamFile,
    /// The mailbox's address.
    #[default]
    Address,
    /// The server's name.
    Host,
    /// The server's port.
    Port,
    /// How the connection is protected.
    Tls,
    /// The account's name.
    User,
    /// The password.
    Password,
    /// Where the password stays.
    Keep,
    /// The command that prints the password.
    Command,
}

impl Field {
    /// The fields in the order in which Tab goes through them.
    const ORDER: [Field; 10] = [
        Field::Demo,
        Field::TeamFile,
        Field::Address,
        Field::Host,
        Field::Port,
        Field::Tls,
        Field::User,
        Field::Password,
        Field::Keep,
        Field::Command,
    ];
}

/// The setup's form.
#[derive(Debug)]
pub struct Form {
    /// Where keys go.
    pub field: Field,
    /// True in the second step.
    pub asks_age: bool,
    /// The path of the team file.
    pub team_file: Line,
    /// The mailbox's address.
    pub address: Line,
    /// The server's name.
    pub host: Line,
    /// The server's port.
    pub port: Line,
    /// How the connection is protected.
    pub tls: Tls,
    /// The account's name.
    pub user: Line,
    /// The password.
    pub password: SecretLine,
    /// Where it stays.
    pub keep: Keep,
    /// The command that prints it.
    pub command: Line,
    /// Which notices start as unread.
    pub unread_since: Age,
    /// The number of the test that runs, or ran last.
    pub trial: u32,
    /// Its stages so far.
    pub steps: Vec<Step>,
    /// How many rows the person has scrolled on from where the cursor's field is in view.
    pub scrolled: isize,
    /// True from Enter until the settings are written.
    pub is_saving: bool,
    /// What cannot be drawn in fields: certificates, the name, all that a team file may bring.
    rest: Mailbox,
    guessed_host: String,
    guessed_user: String,
}

impl Default for Form {
    fn default() -> Form {
        Form::new(&Mailbox::default())
    }
}

impl Form {
    /// A form filled with what is known of a mailbox already.
    pub fn new(mailbox: &Mailbox) -> Form {
        let mut form = Form {
            field: Field::Address,
            asks_age: false,
            team_file: Line::new("tidings-team.toml"),
            address: Line::default(),
            host: Line::default(),
            port: Line::default(),
            tls: Tls::Implicit,
            user: Line::default(),
            password: SecretLine::default(),
            keep: Keep::Ask,
            command: Line::default(),
            unread_since: Age::default(),
            trial: 0,
            steps: Vec::new(),
            scrolled: 0,
            is_saving: false,
            rest: Mailbox::default(),
            guessed_host: String::new(),
            guessed_user: String::new(),
        };
        form.fill(mailbox);
        form
    }

    /// Takes over what a team file says: all but the password.
    pub fn fill(&mut self, mailbox: &Mailbox) {
        self.rest = mailbox.clone();
        self.address = match mailbox.user.contains('@') {
            true => Line::new(&mailbox.user),
            false => Line::new(&mailbox.name),
        };
        self.host = Line::new(&mailbox.host);
        self.user = Line::new(&mailbox.user);
        self.tls = mailbox.tls;
        self.port = Line::new(&mailbox.port().to_string());
        if !mailbox.password_command.is_empty() {
            self.keep = Keep::Command;
            self.command = Line::new(&mailbox.password_command.join(" "));
        }
        let is_filled = !mailbox.host.is_empty() && !mailbox.user.is_empty();
        self.field = match is_filled {
            true => Field::Password,
            false => Field::Address,
        };
    }

    /// The line that is being edited, if it is one in plain text.
    pub fn line(&mut self) -> Option<&mut Line> {
        match self.field {
            Field::TeamFile => Some(&mut self.team_file),
            Field::Address => Some(&mut self.address),
            Field::Host => Some(&mut self.host),
            Field::Port => Some(&mut self.port),
            Field::User => Some(&mut self.user),
            Field::Command => Some(&mut self.command),
            Field::Demo | Field::Tls | Field::Password | Field::Keep => None,
        }
    }

    /// Goes to the next field, or the one before.
    pub fn step(&mut self, is_down: bool) {
        let order: Vec<Field> = Field::ORDER
            .into_iter()
            .filter(|field| *field != Field::Command || self.keep == Keep::Command)
            .collect();
        let place = order.iter().position(|field| *field == self.field);
        let place = place.unwrap_or(0) + if is_down { 1 } else { order.len() - 1 };
        self.field = order[place % order.len()];
    }

    /// Guesses server and user from the address, where nothing else was typed.
    pub fn guess(&mut self) {
        let address = self.address.text().trim().to_owned();
        let host = match address.split_once('@') {
            Some((_, domain)) if domain.contains('.') => format!("pop.{domain}"),
            _ => String::new(),
        };
        if self.host.text() == self.guessed_host {
            self.host = Line::new(&host);
            self.guessed_host = host;
        }
        if self.user.text() == self.guessed_user {
            self.user = Line::new(&address);
            self.guessed_user = address;
        }
    }

    /// Goes to the next kind of protection; the standard's port comes with it.
    pub fn next_tls(&mut self) {
        let was_standard = self.port.text() == self.mailbox_port();
        self.tls = match self.tls {
            Tls::Implicit => Tls::Starttls,
            Tls::Starttls => Tls::None,
            Tls::None => Tls::Implicit,
        };
        if was_standard {
            self.port = Line::new(&self.mailbox_port());
        }
    }

    /// Goes to the next place where the password can stay.
    pub fn next_keep(&mut self) {
        self.keep = match self.keep {
            Keep::Command => Keep::File,
            Keep::File => Keep::Ask,
            Keep::Ask => Keep::Command,
        };
    }

    /// True if there is enough to test a connection with.
    pub fn is_testable(&self) -> bool {
        let has_password = match self.keep {
            Keep::Command => !self.command.text().trim().is_empty(),
            Keep::File | Keep::Ask => !self.password.is_empty(),
        };
        !self.host.text().trim().is_empty() && !self.user.text().trim().is_empty() && has_password
    }

    /// The mailbox as it is filled in.
    pub fn mailbox(&self) -> Mailbox {
        let user = self.user.text().trim().to_owned();
        let address = self.address.text().trim();
        let name = match self.rest.name.is_empty() {
            true => address.split('@').next().unwrap_or(address).to_owned(),
            false => self.rest.name.clone(),
        };
        Mailbox {
            name: if name.is_empty() { user.clone() } else { name },
            host: self.host.text().trim().to_owned(),
            port: self.port.text().trim().parse().ok(),
            tls: self.tls,
            user,
            password_command: match self.keep {
                Keep::Command => words(self.command.text()),
                Keep::File | Keep::Ask => Vec::new(),
            },
            password: Password::default(),
            // What is asked for here is a password.
            token_command: Vec::new(),
            keyring: false,
            ..self.rest.clone()
        }
    }

    /// What is to be written.
    pub fn plan(&self) -> Plan {
        Plan {
            mailbox: self.mailbox(),
            keep: self.keep,
            password: self.password.password(),
            unread_since: self.unread_since,
        }
    }

    /// Takes note of a stage of the test.
    pub fn note(&mut self, step: Step) {
        match self
            .steps
            .iter_mut()
            .find(|known| known.stage == step.stage)
        {
            Some(known) => *known = step,
            None => self.steps.push(step),
        }
    }

    /// The stages that came through.
    pub fn passed(&self) -> usize {
        let passed = |step: &&Step| {
            matches!(
                step.result,
                StepResult::Passed { .. } | StepResult::Warned { .. }
            )
        };
        self.steps.iter().filter(passed).count()
    }

    /// What a stage is going to find, in words, before it has.
    pub fn expects(&self, stage: Stage) -> Shown {
        let host = self.host.text();
        Shown::text(&match stage {
            Stage::Find => format!("finding {host}"),
            Stage::Connect => format!("connecting to port {}", self.port.text()),
            Stage::Encrypt => "encrypting the connection".to_owned(),
            Stage::SignIn => format!("signing in as {}", self.user.text()),
            Stage::List => "asking for the list of notices".to_owned(),
            Stage::TellApart => "can tell notices apart (UIDL)".to_owned(),
            Stage::Keeps => "keeps what people read (no expiry announced)".to_owned(),
        })
    }

    fn mailbox_port(&self) -> String {
        let standard = Mailbox {
            tls: self.tls,
            ..Mailbox::default()
        };
        standard.port().to_string()
    }
}

/// The words of a command as they were typed; quotes keep words together.
pub fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
