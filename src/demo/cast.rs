//! Who is in the demo: the three people that read one mailbox.

use std::fmt;

/// One of the three readers, each with a cache and marks of their own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Person {
    /// Whoever watches the demo.
    You,
    /// Reads soon after something came.
    Ana,
    /// Is away for most of the time.
    Tom,
}

impl Person {
    /// Everybody, in the order in which they are shown.
    pub const ALL: [Person; 3] = [Person::You, Person::Ana, Person::Tom];

    /// Those who are played by the demo itself.
    pub const TEAMMATES: [Person; 2] = [Person::Ana, Person::Tom];

    /// Finds a person by the word that stands for them in the asset, and after `--demo-as`.
    pub fn from_word(word: &str) -> Option<Person> {
        Person::ALL
            .into_iter()
            .find(|person| person.word().eq_ignore_ascii_case(word))
    }

    /// The word that stands for them in file names and in the asset.
    pub fn word(self) -> &'static str {
        match self {
            Person::You => "you",
            Person::Ana => "ana",
            Person::Tom => "tom",
        }
    }

    /// The name that is shown.
    pub fn name(self) -> &'static str {
        match self {
            Person::You => "You",
            Person::Ana => "Ana",
            Person::Tom => "Tom",
        }
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
