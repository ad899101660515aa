//! The links of a mail: what is shown, and where it leads.
//!
//! Only http, https and mailto become links. The address shown is the one that is opened: where it leads in the end,
//! if it says so itself.

use std::collections::HashMap;

use linkify::{LinkFinder, LinkKind};
use unicode_normalization::UnicodeNormalization;
use url::Url;

use super::{
    lookalike,
    shown::{Shown, is_invisible},
};

mod detour;

/// A link: what the text says, and where it leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What the sender calls it; its address if nothing else.
    pub label: Shown,
    /// Where it leads, as it will be opened: http, https or mailto.
    pub target: Shown,
    /// Its host in the letters of its language, if `target` has it as `xn--…`.
    pub host: Option<Shown>,
    /// The host that the mail's link goes through first, to count or to check who follows it: left out here.
    pub through: Option<Shown>,
    /// The host that it leads on to from there, as far as it says so.
    pub leads_on: Option<Shown>,
    /// What is suspicious about it, in words (`text says hr.example, goes to evil.test`).
    pub warning: Option<Shown>,
}

impl Link {
    /// Returns the target for the terminal's own link sequence (OSC 8): plain ASCII, or nothing if
    /// it is longer than terminals take.
    pub fn for_terminal(&self) -> Option<&str> {
        let fits = self.target.len() <= TERMINAL_LINK_OCTETS;
        (fits && self.target.bytes().all(|b| matches!(b, b'!'..=b'~'))).then_some(&self.target)
    }

    /// Returns the target without `https://` and the like, as a short list shows it.
    pub fn short_target(&self) -> &str {
        let target = self.target.as_str();
        let short = ["https://", "http://", "mailto:"]
            .iter()
            .find_map(|scheme| target.strip_prefix(scheme));
        short.unwrap_or(target).trim_end_matches('/')
    }
}

/// The links found so far, each target once.
#[derive(Debug, Default)]
pub struct Links {
    links: Vec<Link>,
    by_target: HashMap<String, usize>,
    /// How often one was seen.
    uses: usize,
    is_full: bool,
}

impl Links {
    /// Adds a link unless its target is there already, and returns its place; none if it leads
    /// nowhere that may be opened.
    pub fn add(&mut self, label: &str, target: &str) -> Option<usize> {
        if self.uses >= USES {
            self.is_full = true;
            return None;
        }
        let url = openable(target)?;
        let (url, through) = match detour::goal(&url) {
            Some((goal, through)) => (goal, Some(through)),
            None => (url, None),
        };
        let leads_on = detour::leads_on(&url);
        let shown = Shown::line(url.as_str());
        let warning = warning(&as_seen(label), target, &url, leads_on.as_deref());
        let label = Shown::line(label).cut_to(LABEL_COLUMNS);
        if let Some(&known) = self.by_target.get(shown.as_str()) {
            let link = &mut self.links[known];
            link.warning = link.warning.take().or(warning);
            self.uses += 1;
            return Some(known);
        }
        if self.links.len() >= LINKS {
            self.is_full = true;
            return None;
        }
        self.uses += 1;
        self.by_target.insert(shown.to_string(), self.links.len());
        let label = if label.is_empty() {
            shown.clone()
        } else {
            label
        };
        self.links.push(Link {
            label,
            host: unicode_host(&url),
            through: through.map(|host| Shown::line(&host)),
            leads_on: leads_on.map(|host| Shown::line(&host)),
            target: shown,
            warning,
        });
        Some(self.links.len() - 1)
    }

    /// Where a link leads that goes through somebody else first.
    pub fn behind_detour(&self, place: usize) -> Option<&Shown> {
        let link = self.links.get(place)?;
        link.through.as_ref().map(|_| &link.target)
    }

    /// What is said where there are more than are counted.
    pub fn cut(&self) -> Option<Shown> {
        let words = "Only the first 2,000 links have numbers.";
        self.is_full.then(|| Shown::from_static(words))
    }

    /// Returns the links in order.
    pub fn into_vec(self) -> Vec<Link> {
        self.links
    }
}

/// Returns where links stand in plain text, as ranges of octets.
pub fn find(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]).url_can_be_iri(true);
    let scanned = if text.contains("://") { text } else { "" };
    let mut found: Vec<_> = finder
        .links(scanned)
        .map(|link| (link.start(), link.end()))
        .collect();
    if text.contains(MAILTO) {
        // Linkify knows no scheme without slashes.
        let taken = found.clone();
        let mut free_from = 0;
        for (at, _) in text.match_indices(MAILTO) {
            let next = taken.partition_point(|&(_, to)| to <= at);
            let limit = taken.get(next).map_or(text.len(), |&(from, _)| from);
            if at < free_from || limit <= at {
                continue;
            }
            let limit = text.floor_char_boundary(limit.min(at + TARGET_OCTETS));
            let address = &text[at..limit];
            let end = address.find(|c: char| c.is_whitespace() || "<>\"[]()".contains(c));
            let address = &address[..end.unwrap_or(address.len())];
            let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'']);
            free_from = at + address.len().max(MAILTO.len());
            found.push((at, at + address.len()));
        }
        found.sort_unstable();
    }
    found
        .into_iter()
        .filter(|&(start, end)| openable(&text[start..end]).is_some())
}

/// Returns true if plain text holds a link; cheaper than [`find`].
pub fn has_link(text: &str) -> bool {
    text.contains("http://") || text.contains("https://") || text.contains(MAILTO)
}

/// Returns the address if it is one that may be opened.
fn openable(target: &str) -> Option<Url> {
    let target = target.trim();
    if target.len() > TARGET_OCTETS {
        return None;
    }
    let url = Url::parse(target).ok()?;
    match url.scheme() {
        "http" | "https" => url.has_host().then_some(url),
        "mailto" => (!url.path().is_empty()).then_some(url),
        _ => None,
    }
}

/// What people see of a link's text: without what is not to be seen, and with letters for those that only look another
/// way.
fn as_seen(label: &str) -> String {
    let start = &label[..label.floor_char_boundary(SEEN_OCTETS)];
    let visible = start.nfkc().filter(|c| !is_invisible(*c));
    let dotted = visible.map(|c| if c == '\u{3002}' { '.' } else { c });
    Shown::line(&dotted.collect::<String>()).to_string()
}

/// What is suspicious about a link of this text that is written so, goes to `url`, and on from there.
fn warning(label: &str, written: &str, url: &Url, leads_on: Option<&str>) -> Option<Shown> {
    if url.scheme() == "mailto" {
        let said = label
            .split_whitespace()
            .find(|word| word.contains('@'))?
            .trim_matches(|c: char| !c.is_alphanumeric());
        let goes = url.path();
        return (!goes.eq_ignore_ascii_case(said))
            .then(|| Shown::line(&format!("text says {said}, writes to {goes}")));
    }
    let host = url.host_str()?;
    if !url.username().is_empty() || url.password().is_some() {
        return Some(Shown::line(&format!(
            "says {}, goes to {host}",
            url.username()
        )));
    }
    // Who reads the address itself is told nothing else.
    let is_itself = openable(label).is_some_and(|said| Some(said) == openable(written));
    let end = leads_on.unwrap_or(host);
    let said = hosts_in(label).chain(host_of_address(label));
    let said = said.into_iter().find(|said| !is_kin(said, end));
    if let Some(said) = said.filter(|_| !is_itself) {
        let goes = if leads_on.is_some() {
            "leads on to"
        } else {
            "goes to"
        };
        return Some(Shown::line(&format!("text says {said}, {goes} {end}")));
    }
    let like = lookalike::of_host(host)?;
    Some(Shown::line(&format!(
        "only looks like {like}, goes to {host}"
    )))
}

/// Returns the host names that a link's text names.
fn hosts_in(label: &str) -> impl Iterator<Item = String> {
    label.split_whitespace().filter_map(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
        let is_address = word.contains("://");
        let bare = word.split_once("://").map_or(word, |(_, rest)| rest);
        let host = bare.split(['/', '?', '#', ':']).next().unwrap_or_default();
        // `Mr.Smith` is none.
        let is_name = !is_address
            && host.rsplit_once('.').is_some_and(|(rest, ending)| {
                ending.starts_with(char::is_uppercase) && rest.contains(char::is_lowercase)
            });
        let host = host.to_lowercase();
        if is_name || host.contains('@') || !is_host(&host) {
            return None;
        }
        let ending = host.rsplit('.').next().unwrap_or_default();
        let is_file = !is_address && !host.starts_with("www.") && FILE_ENDINGS.contains(&ending);
        (!is_file).then(|| idna::domain_to_ascii(&host).unwrap_or(host))
    })
}

/// Returns the host of the address that a link's text is, if it is nothing else.
fn host_of_address(label: &str) -> Option<String> {
    let (local, host) = label.trim().split_once('@')?;
    let is_local = !local.is_empty() && !local.contains(char::is_whitespace);
    let host = host.to_lowercase();
    (is_local && is_host(&host)).then_some(host)
}

fn is_host(word: &str) -> bool {
    let (rest, ending) = word.rsplit_once('.').unwrap_or_default();
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    rest.split('.').all(is_label)
        && ending.chars().count() >= 2
        && ending.chars().all(char::is_alphabetic)
}

/// True if one host is the other, or lies within it.
pub(super) fn is_kin(said: &str, host: &str) -> bool {
    let said = said.strip_prefix("www.").unwrap_or(said);
    let host = host.strip_prefix("www.").unwrap_or(host);
    let within = |inner: &str, outer: &str| {
        inner
            .strip_suffix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    within(said, host) || within(host, said)
}

fn unicode_host(url: &Url) -> Option<Shown> {
    let host = url.host_str().filter(|host| host.contains("xn--"))?;
    let (unicode, outcome) = idna::domain_to_unicode(host);
    (outcome.is_ok() && unicode != host).then(|| Shown::line(&unicode))
}

const MAILTO: &str = "mailto:";

/// Endings of files that look like hosts in a text.
const FILE_ENDINGS: [&str; 34] = [
    "md", "pdf", "txt", "html", "htm", "js", "rs", "py", "sh", "css", "csv", "doc", "docx", "xls",
    "xlsx", "png", "jpg", "gif", "xml", "json", "toml", "zip", "log", "lock", "yml", "yaml", "cfg",
    "conf", "ini", "sql", "mov", "mp4", "webp", "jpeg",
];

/// Browsers take no more.
const TARGET_OCTETS: usize = 8 * 1024;

/// What terminals and what lies between take for OSC 8 (the convention's own limit is 2,083).
const TERMINAL_LINK_OCTETS: usize = 2083;

/// So much of a label is held against where it leads.
const SEEN_OCTETS: usize = 4 * 1024;

/// A label that is a whole page has gone wrong.
const LABEL_COLUMNS: usize = 200;

/// More than the largest digest has; beyond, text stays text.
const LINKS: usize = 2000;

/// And so often they are numbered in a text.
const USES: usize = 20_000;
