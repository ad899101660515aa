//! A query, parsed, and its answer.
//!
//! Words are joined by *and*, each matches the beginnings of words, and accents do not count.
//! `from:` `subject:` `text:` `to:` `list:` `is:unread|read|important|starred|muted|withdrawn|expired|replaced`
//! `by:relevance` `has:file|link` `after:2026-11-01` `before:…` `size:>1M` narrow it, `"…"` is a phrase, `-` before any of these turns it
//! round, and `or` stands between two of which one is enough; `( )` group.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::types::Value;

use super::{
    Error, Store,
    headlines::UNREAD,
    index::{Column, Lookup},
};
use crate::notice::NoticeId;

mod reading;

/// A query that makes sense.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// None matches every notice.
    root: Option<Expression>,
    ranking: Ranking,
}

/// In which order an answer comes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Ranking {
    /// The newest first.
    #[default]
    Date,
    /// First that in which the words stand most, above all in subjects and senders (BM25).
    Relevance,
}

/// What a notice must be like.
#[derive(Clone, Debug, PartialEq)]
enum Expression {
    /// All of these.
    All(Vec<Expression>),
    /// One of these at least.
    Any(Vec<Expression>),
    /// Anything but this.
    Not(Box<Expression>),
    /// Words in a column of the index, or in all; the last may go on.
    Text {
        column: Option<Column>,
        text: String,
    },
    /// A condition on the notice.
    Where(&'static str),
    /// Still to be read.
    Unread,
    /// It does not hold any more.
    Expired,
    /// It came through a list whose name or identifier contains this.
    List(String),
    /// Sent at this moment or later.
    After(Timestamp),
    /// Sent before this moment.
    Before(Timestamp),
    /// So many octets at least.
    AtLeast(i64),
    /// So many octets at most.
    AtMost(i64),
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct QueryError {
    /// The column, from 1, counted in characters.
    pub column: usize,
    /// What is wrong and what would be right.
    pub what: String,
}

impl Query {
    /// Reads a query. Days begin and end in this zone.
    ///
    /// # Errors
    ///
    /// An operator has a value that it cannot have, or is mistyped, or a `)` closes nothing.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Query, QueryError> {
        let (root, ranking) = reading::read(text, zone, false)?;
        Ok(Query { root, ranking })
    }

    /// The same of a query to which nothing more comes, as those of the settings and the command line.
    ///
    /// # Errors
    ///
    /// As [`Query::parse`]; also where something is not closed, or an operator asks for nothing.
    pub fn finished(text: &str, zone: &TimeZone) -> Result<Query, QueryError> {
        let (root, ranking) = reading::read(text, zone, true)?;
        Ok(Query { root, ranking })
    }

    /// The words that are looked for, without operators, for underlining.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(root) = &self.root {
            root.words(&mut words);
        }
        words
    }

    /// True if the index must be asked.
    pub(super) fn asks_for_words(&self) -> bool {
        self.root.as_ref().is_some_and(Expression::asks_for_words)
    }

    /// In which order the answer comes.
    pub fn ranking(&self) -> Ranking {
        self.ranking
    }

    /// True if every notice matches.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The one table of the index that answers all of it, and what it is asked.
    fn only_lookup(&self) -> Option<(&'static str, String)> {
        let (texts, between) = match self.root.as_ref()? {
            text @ Expression::Text { .. } => (std::slice::from_ref(text), ""),
            Expression::All(all) => (&all[..], AND),
            Expression::Any(any) => (&any[..], OR),
            _ => return None,
        };
        let (lookups, others) = lookups(texts, between);
        match (&others[..], lookups) {
            ([], [Some(words), None]) => Some(("words", words)),
            ([], [None, Some(beginnings)]) => Some(("beginnings", beginnings)),
            _ => None,
        }
    }

    /// The condition in SQL, and its values.
    fn condition(&self, now: Timestamp) -> (String, Vec<Value>) {
        self.written(now, None)
    }

    /// The same for the notices from the first to the last of these ids.
    pub(super) fn condition_within(
        &self,
        now: Timestamp,
        (first, last): (i64, i64),
    ) -> (String, Vec<Value>) {
        let (condition, mut values) = self.written(now, Some((first, last)));
        values.extend([first.into(), last.into()]);
        (format!("({condition}) AND id BETWEEN ? AND ?"), values)
    }

    fn written(&self, now: Timestamp, within: Option<(i64, i64)>) -> (String, Vec<Value>) {
        let mut condition = Condition {
            sql: String::new(),
            values: Vec::new(),
            now,
            within,
        };
        match &self.root {
            Some(root) => root.write(&mut condition),
            None => condition.sql.push('1'),
        }
        (condition.sql, condition.values)
    }
}

struct Condition {
    sql: String,
    values: Vec<Value>,
    now: Timestamp,
    /// The only ids that are asked for, if not all.
    within: Option<(i64, i64)>,
}

impl Condition {
    /// One of the tables of the index has this.
    fn matched(&mut self, table: &str, lookup: String) {
        let _ = write!(
            self.sql,
            "id IN (SELECT rowid FROM {table} WHERE {table} MATCH ?"
        );
        self.values.push(lookup.into());
        if let Some((first, last)) = self.within {
            self.sql.push_str(" AND rowid BETWEEN ? AND ?");
            self.values.extend([first.into(), last.into()]);
        }
        self.sql.push(')');
    }

    fn compared(&mut self, comparison: &str, value: i64) {
        self.sql.push_str(comparison);
        self.values.push(value.into());
    }
}

impl Expression {
    fn words(&self, found: &mut Vec<String>) {
        match self {
            Expression::All(all) | Expression::Any(all) => {
                all.iter().for_each(|one| one.words(found));
            }
            Expression::Text { text, .. } => found.push(text.clone()),
            // What must not be there is not underlined.
            Expression::Not(_)
            | Expression::Where(_)
            | Expression::Unread
            | Expression::Expired
            | Expression::List(_)
            | Expression::After(_)
            | Expression::Before(_)
            | Expression::AtLeast(_)
            | Expression::AtMost(_) => {}
        }
    }

    fn asks_for_words(&self) -> bool {
        match self {
            Expression::All(all) | Expression::Any(all) => {
                all.iter().any(Expression::asks_for_words)
            }
            Expression::Not(inner) => inner.asks_for_words(),
            Expression::Text { .. } => true,
            Expression::Where(_)
            | Expression::Unread
            | Expression::Expired
            | Expression::List(_)
            | Expression::After(_)
            | Expression::Before(_)
            | Expression::AtLeast(_)
            | Expression::AtMost(_) => false,
        }
    }

    fn write(&self, out: &mut Condition) {
        match self {
            Expression::All(all) => joined(all, AND, out),
            Expression::Any(any) => joined(any, OR, out),
            Expression::Not(inner) => {
                out.sql.push_str("NOT (");
                inner.write(out);
                out.sql.push(')');
            }
            Expression::Text { column, text } => match Lookup::of(*column, text) {
                Lookup::Words(lookup) => out.matched("words", lookup),
                Lookup::Beginnings(lookup) => out.matched("beginnings", lookup),
            },
            Expression::Where(condition) => {
                let _ = write!(out.sql, "({condition})");
            }
            Expression::Unread => out.compared(UNREAD, out.now.as_second()),
            Expression::Expired => out.compared(
                "(expires IS NOT NULL AND expires <= ?)",
                out.now.as_second(),
            ),
            Expression::List(name) => {
                out.sql
                    .push_str("(list LIKE ? ESCAPE '\\' OR list_id LIKE ? ESCAPE '\\')");
                let pattern = format!("%{}%", escaped(name));
                out.values.extend([pattern.clone().into(), pattern.into()]);
            }
            Expression::After(at) => out.compared("date >= ?", at.as_second()),
            Expression::Before(at) => out.compared("date < ?", at.as_second()),
            Expression::AtLeast(octets) => out.compared("size >= ?", *octets),
            Expression::AtMost(octets) => out.compared("size <= ?", *octets),
        }
    }
}

/// In SQL and in the language of FTS5.
const AND: &str = " AND ";
const OR: &str = " OR ";

/// What of several conditions is asked of `words` and of `beginnings`, all of it at once, which is much faster;
/// and the other conditions.
fn lookups<'e>(all: &'e [Expression], between: &str) -> ([Option<String>; 2], Vec<&'e Expression>) {
    let (mut words, mut beginnings) = (Vec::new(), Vec::new());
    let mut others = Vec::new();
    for one in all {
        match one {
            Expression::Text { column, text } => match Lookup::of(*column, text) {
                Lookup::Words(lookup) => words.push(format!("({lookup})")),
                Lookup::Beginnings(lookup) => beginnings.push(format!("({lookup})")),
            },
            other => others.push(other),
        }
    }
    let lookups =
        [words, beginnings].map(|lookups| (!lookups.is_empty()).then(|| lookups.join(between)));
    (lookups, others)
}

/// Writes several conditions.
fn joined(all: &[Expression], between: &str, out: &mut Condition) {
    let (lookups, others) = lookups(all, between);
    out.sql.push('(');
    let mut is_first = true;
    let mut next = |out: &mut Condition| {
        if !std::mem::take(&mut is_first) {
            out.sql.push_str(between);
        }
    };
    for (table, lookup) in ["words", "beginnings"].into_iter().zip(lookups) {
        if let Some(lookup) = lookup {
            next(out);
            out.matched(table, lookup);
        }
    }
    for other in others {
        next(out);
        other.write(out);
    }
    out.sql.push(')');
}

/// Words as FTS5 takes them, wherever they stand; the last may go on.
fn any_place(words: &str) -> Option<String> {
    match Lookup::of(None, words) {
        Lookup::Words(lookup) => Some(lookup),
        Lookup::Beginnings(lookup) => Some(format!("{lookup} *")),
    }
}

/// A name for LIKE, of which no character has another meaning.
fn escaped(name: &str) -> String {
    name.replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_")
}

/// What a search finds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// In the order that is asked for.
    InOrder(Vec<NoticeId>),
    /// In that of the ids, the lowest first: so many that whoever has all notices in the order of their dates
    /// is sooner done with putting them into that.
    Many(Vec<NoticeId>),
}

impl Store {
    /// The notices that match, newest first, at most `most`. What is not in the index yet is put there
    /// before.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn search(&self, query: &Query, most: usize) -> Result<Vec<NoticeId>, Error> {
        match self.find(query, most)? {
            Found::InOrder(ids) => Ok(ids),
            Found::Many(ids) => match self.in_order_of_all(&ids, most)? {
                Some(ids) => Ok(ids),
                None => self.select(query, most),
            },
        }
    }

    /// The notices that match, at most `most` if they come in their order. What is not in the index yet is put
    /// there before.
    ///
    /// # Errors
    ///
    /// The cache cannot be read.
    pub fn find(&self, query: &Query, most: usize) -> Result<Found, Error> {
        if query.asks_for_words() {
            self.index_all()?;
        }
        if query.ranking == Ranking::Date
            && let Some((table, lookup)) = query.only_lookup()
            && let Some(found) = self.many(table, &lookup)?
        {
            return Ok(Found::Many(found));
        }
        self.select(query, most).map(Found::InOrder)
    }

    fn select(&self, query: &Query, most: usize) -> Result<Vec<NoticeId>, Error> {
        let (condition, mut values) = query.condition(Timestamp::now());
        let words: Vec<String> = match query.ranking {
            Ranking::Relevance => query
                .words()
                .iter()
                .filter_map(|words| any_place(words))
                .collect(),
            Ranking::Date => Vec::new(),
        };
        let select = match words.is_empty() {
            true => format!("SELECT id FROM notice WHERE {condition} ORDER BY date DESC, id DESC"),
            // The weights are those of sender, recipient, subject, text and files.
            false => {
                values.insert(0, words.join(" OR ").into());
                format!(
                    "SELECT id FROM notice LEFT JOIN \
                     (SELECT rowid AS found, bm25(words, 4, 1, 8, 1, 2) AS score FROM words \
                      WHERE words MATCH ?) ON id = found \
                     WHERE {condition} ORDER BY score IS NULL, score, date DESC, id DESC"
                )
            }
        };
        values.push((most as i64).into());
        self.read(|connection| {
            connection
                .prepare_cached(&format!("{select} LIMIT ?"))?
                .query_map(rusqlite::params_from_iter(values), |row| {
                    row.get(0).map(NoticeId)
                })?
                .collect()
        })
    }

    /// What the index finds, where it is much.
    fn many(&self, table: &str, lookup: &str) -> Result<Option<Vec<NoticeId>>, Error> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached(&format!("SELECT rowid FROM {table} WHERE {table} MATCH ?1"))?;
            let found = statement.query_map([lookup], |row| row.get(0).map(NoticeId))?;
            let mut found: Vec<NoticeId> = found.collect::<rusqlite::Result<_>>()?;
            if found.len() < MANY {
                return Ok(None);
            }
            // Which they are already where one word is looked for.
            found.sort_unstable();
            Ok(Some(found))
        })
    }

    /// These, newest first, looked up in the order of all; none where most of those would be others.
    fn in_order_of_all(
        &self,
        found: &[NoticeId],
        most: usize,
    ) -> Result<Option<Vec<NoticeId>>, Error> {
        self.read(|connection| {
            let (Some(first), Some(last)) = (found.first(), found.last()) else {
                return Ok(None);
            };
            // Ids are given one after the other.
            let place = |id: i64| usize::try_from(i128::from(id) - i128::from(first.0)).ok();
            let span = place(last.0).filter(|span| *span < found.len() * SPARSE);
            let Some(span) = span else {
                return Ok(None);
            };
            let mut is_found = vec![false; span + 1];
            for place in found.iter().filter_map(|id| place(id.0)) {
                is_found[place] = true;
            }
            let mut statement =
                connection.prepare_cached("SELECT id FROM notice ORDER BY date DESC, id DESC")?;
            let all = statement.query_map([], |row| row.get(0))?;
            let is_found = |id: &rusqlite::Result<i64>| {
                let place = id.as_ref().map(|id| place(*id));
                place.map_or(true, |place| {
                    place.is_some_and(|place| is_found.get(place) == Some(&true))
                })
            };
            let ordered = all.filter(is_found).take(most);
            ordered
                .map(|id| id.map(NoticeId))
                .collect::<rusqlite::Result<_>>()
                .map(Some)
        })
    }
}

/// As many as make sorting them slower than looking through ten times as many.
const MANY: usize = 5_000;

/// At least one of so many ids is that of a notice that is found.
const SPARSE: usize = 100;
