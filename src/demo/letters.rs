//! The notices that are written while you watch: by the script, and by `S`.

use jiff::Timestamp;
use mail_builder::{
    MessageBuilder,
    headers::{HeaderType, raw::Raw},
};

/// A notice that somebody is about to send.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    /// The sender's name.
    pub name: String,
    /// The sender's mailbox at team.example.
    pub local: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// True if the sender calls it important.
    pub important: bool,
}

impl Letter {
    /// The one that arrives at the twelfth second.
    pub fn first() -> Letter {
        Letter::of(&FIRST)
    }

    /// The `n`-th of those that arrive later, from 0: a round of written ones, and a deploy after
    /// each, numbered on from the last of the inbox.
    pub fn later(n: usize) -> Letter {
        if n % 2 == 1 {
            return deploy(LAST_DEPLOY + 1 + n / 2);
        }
        Letter::of(&LATER[(n / 2) % LATER.len()])
    }

    /// The `n`-th that is sent with `S`, from 0.
    pub fn yours(n: usize) -> Letter {
        let subject = match n {
            0 => "Hello from the demo".to_owned(),
            _ => format!("Hello from the demo, once more ({})", n + 1),
        };
        Letter {
            name: "You".to_owned(),
            local: "you".to_owned(),
            subject,
            text: "You pressed S. Everyone on the team gets this at their next check.\n\n\
                   It went into the server's mbox file, as any mailer would put it there,\n\
                   and it stays there: whoever reads it takes nothing away from the others.\n"
                .to_owned(),
            important: false,
        }
    }

    /// The envelope's sender.
    pub fn sender(&self) -> String {
        format!("{}@team.example", self.local)
    }

    /// The mail itself. `serial` tells it from all others of this demo.
    pub fn compose(&self, now: Timestamp, serial: usize) -> Vec<u8> {
        let sender = self.sender();
        let mut mail = MessageBuilder::new()
            .from((self.name.as_str(), sender.as_str()))
            .to(("Team notices", "notices@team.example"))
            .subject(self.subject.as_str())
            .date(now.as_second())
            .message_id(format!(
                "demo-{}-{serial}@team.example",
                now.as_millisecond()
            ))
            .text_body(self.text.as_str());
        if self.important {
            mail = mail.header("Importance", HeaderType::Raw(Raw::new("high")));
        }
        mail.write_to_vec()
            .expect("writing into memory does not fail")
    }

    fn of(written: &Written) -> Letter {
        Letter {
            name: written.name.to_owned(),
            local: written.local.to_owned(),
            subject: written.subject.to_owned(),
            text: written.text.to_owned(),
            important: written.important,
        }
    }
}

/// A letter as it stands here.
struct Written {
    name: &'static str,
    local: &'static str,
    subject: &'static str,
    text: &'static str,
    important: bool,
}

fn deploy(number: usize) -> Letter {
    Letter {
        name: "ops-bot".to_owned(),
        local: "ops-bot".to_owned(),
        subject: format!("Deploy #{number} web to production finished"),
        text: format!(
            "Deploy #{number} of web to production finished after 4 min {} s.\n\n\
             https://deploy.team.example/web/{number}\n",
            number % 60
        ),
        important: false,
    }
}

/// The newest deploy of the inbox.
const LAST_DEPLOY: usize = 1224;

const FIRST: Written = Written {
    name: "Priya Natarajan",
    local: "priya",
    subject: "Coffee machine is back",
    text: "The coffee machine on the third floor works again. It greets you by name\n\
           now; nobody asked for that, and nobody can switch it off.\n\n\
           The first twenty cups are on the house.\n",
    important: false,
};

const LATER: [Written; 7] = [
    Written {
        name: "Camille Dubois",
        local: "camille",
        subject: "La machine à café est réparée (et bavarde)",
        text: "Bonjour,\n\nla pièce est arrivée plus tôt que prévu. La machine parle, ne vous \
               effrayez pas.\n\nCamille, accueil\n",
        important: false,
    },
    Written {
        name: "田中 花子",
        local: "hanako",
        subject: "停電作業の時間変更について (8:00開始)",
        text: "各位\n\n停電の開始が1時間遅くなり、8:00からとなりました。\n終了は12:00のまま変わりません。\n\n\
               総務部　田中 花子\n",
        important: false,
    },
    Written {
        name: "Security",
        local: "security",
        subject: "Key rotation: two of four keys are done",
        text: "Thank you, Ana and Priya. Two keys are still the old ones:\n\n  \
               web-production   Tom Becker\n  web-staging      Tom Becker\n\n\
               Tom, we know that you are away. We also know where your desk is.\n",
        important: true,
    },
    Written {
        name: "Олена Коваль",
        local: "olena",
        subject: "Апостроф знову працює",
        text: "Вітаю!\n\nПошук знову знаходить слова з апострофом: м'яч, п'ять, об'єкт.\n\n\
               Олена\n",
        important: false,
    },
    Written {
        name: "Facilities",
        local: "facilities",
        subject: "The goat is back on the car park wall",
        text: "It has eaten the sign that says not to feed it.\n",
        important: false,
    },
    Written {
        name: "مريم",
        local: "maryam",
        subject: "القاعة 2 محجوزة، نلتقي في القاعة 5",
        text: "مرحبا بالجميع،\n\nالقاعة 2 محجوزة هذا الأسبوع، سنلتقي في القاعة 5.\n\nمريم\n",
        important: false,
    },
    Written {
        name: "Lukas Schönfeld",
        local: "lukas",
        subject: "Fahrräder: der Keller ist wieder frei",
        text: "Liebe Kolleginnen und Kollegen,\n\nim Keller dürfen wieder Fahrräder stehen, \
               aber nicht quer.\n\nLukas Schönfeld\n",
        important: false,
    },
];
