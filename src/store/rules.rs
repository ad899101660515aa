//! What becomes of notices as they come, by the rules of the settings. Their conditions are in the language
//! of searches.

use std::{cell::LazyCell, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Transaction, params_from_iter};

use super::{
    Error, Opened, Store,
    arrival::Kept,
    search::{Query, QueryError},
};
use crate::{
    config::{self, Colour, Settings},
    notice::NoticeId,
};

/// The rules of one mailbox, in the order of the settings.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    query: Query,
    stars: bool,
    mutes: bool,
    reads: bool,
    notify: Option<bool>,
    colour: Option<Colour>,
}

/// A rule whose condition makes no sense: it is left out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}rule {number}: `{when}`: {error}: this rule is left out")]
pub struct Problem {
    /// Its place in the settings, from 1.
    pub number: usize,
    /// Where it stands, as `line 3, column 1: `; empty where that cannot be told.
    pub place: String,
    /// Its condition.
    pub when: String,
    /// What is wrong with it.
    pub error: QueryError,
}

impl Rules {
    /// The rules for a mailbox. Where this person is, is asked only if there are any: it takes as long as opening
    /// a cache.
    pub fn of(settings: &Settings, mailbox: &str, zone: impl FnOnce() -> TimeZone) -> Rules {
        let zone = LazyCell::new(zone);
        let own = |rule: &&config::Rule| rule.mailbox.as_deref().is_none_or(|of| of == mailbox);
        let rules = settings.rules.iter().filter(own).filter_map(|rule| {
            let query = condition(&rule.when, &zone).ok()?;
            Some(Rule {
                query,
                stars: rule.star,
                mutes: rule.mute,
                reads: rule.read,
                notify: rule.notify,
                colour: rule.colour,
            })
        });
        Rules(rules.collect())
    }

    /// What is wrong with the rules of the settings.
    pub fn problems(settings: &Settings, zone: impl FnOnce() -> TimeZone) -> Vec<Problem> {
        let zone = LazyCell::new(zone);
        let rules = (1..).zip(&settings.rules);
        let wrong = rules.filter_map(|(number, rule)| {
            let error = condition(&rule.when, &zone).err()?;
            let place = settings.places.find(&format!("rule.{}.when", number - 1));
            Some(Problem {
                number,
                place: place.map_or_else(String::new, |place| format!("{place}: ")),
                when: rule.when.clone(),
                error,
            })
        });
        wrong.collect()
    }

    /// True if a notice must be in the full-text index before the rules are asked.
    pub fn ask_for_words(&self) -> bool {
        let marking = self.0.iter().filter(|rule| rule.is_of_arrivals());
        marking.map(|rule| &rule.query).any(Query::asks_for_words)
    }
}

/// Reads a rule's condition. What narrows nothing yet while one types is none here: the rule would be for
/// every notice.
fn condition(when: &str, zone: &TimeZone) -> Result<Query, QueryError> {
    let query = Query::finished(when, zone)?;
    match query.is_empty() {
        true => Err(QueryError {
            column: 1,
            what: "it asks for nothing, and would be for every notice".to_owned(),
        }),
        false => Ok(query),
    }
}

impl Rule {
    /// True if it does something with what comes; a colour alone is of all that is there.
    fn is_of_arrivals(&self) -> bool {
        self.stars || self.mutes || self.reads || self.notify.is_some()
    }
}

impl Opened {
    /// The cache, with rules for what comes.
    pub fn ruled_by(mut self, rules: Rules) -> Opened {
        self.store.rules = Arc::new(rules);
        self
    }
}

impl Store {
    /// True if a notice must be in the full-text index before the rules are asked.
    pub fn rules_ask_for_words(&self) -> bool {
        self.rules.ask_for_words()
    }

    /// The notices that rules give a colour. Of several rules for one the first counts.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn coloured(&self) -> Result<Vec<(Colour, Vec<NoticeId>)>, Error> {
        let coloured = self.rules.0.iter();
        coloured
            .filter_map(|rule| Some((rule.colour?, &rule.query)))
            .map(|(colour, query)| Ok((colour, self.search(query, usize::MAX >> 1)?)))
            .collect()
    }
}

impl Rules {
    /// Does with the new ones of a batch what the rules say.
    pub(super) fn obey(
        &self,
        transaction: &Transaction,
        now: Timestamp,
        kept: &mut [Kept],
    ) -> rusqlite::Result<()> {
        for rule in self.0.iter().filter(|rule| rule.is_of_arrivals()) {
            let ids = kept.iter().filter_map(new_id);
            let Some((first, last)) = ids.fold(None, |range: Option<(i64, i64)>, id| {
                Some(range.map_or((id.0, id.0), |(first, last)| {
                    (first.min(id.0), last.max(id.0))
                }))
            }) else {
                return Ok(());
            };
            let (condition, values) = rule.query.condition_within(now, (first, last));
            let matching: Vec<i64> = transaction
                .prepare_cached(&format!("SELECT id FROM notice WHERE {condition}"))?
                .query_map(params_from_iter(values), |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for one in kept.iter_mut() {
                if new_id(one).is_some_and(|id| matching.contains(&id.0)) {
                    rule.apply(transaction, one)?;
                }
            }
        }
        Ok(())
    }
}

impl Rule {
    fn apply(&self, transaction: &Transaction, kept: &mut Kept) -> rusqlite::Result<()> {
        let (Kept::New(headline) | Kept::Quiet(headline)) = &mut *kept else {
            return Ok(());
        };
        let marks = &mut headline.marks;
        marks.starred |= self.stars;
        marks.muted |= self.mutes;
        // What is muted arrives as read.
        marks.read |= self.reads || self.mutes;
        transaction
            .prepare_cached("UPDATE notice SET read = ?2, starred = ?3, muted = ?4 WHERE id = ?1")?
            .execute((headline.id.0, marks.read, marks.starred, marks.muted))?;
        let headline = headline.clone();
        match self.notify {
            Some(true) => *kept = Kept::New(headline),
            Some(false) => *kept = Kept::Quiet(headline),
            None if headline.marks.read => *kept = Kept::Quiet(headline),
            None => {}
        }
        Ok(())
    }
}

/// The id of what is new.
fn new_id(kept: &Kept) -> Option<NoticeId> {
    match kept {
        Kept::New(headline) | Kept::Quiet(headline) => Some(headline.id),
        Kept::Recognised(_)
        | Kept::RecognisedBehind { .. }
        | Kept::Completed(_)
        | Kept::AsBefore(_)
        | Kept::Returned(_) => None,
    }
}
