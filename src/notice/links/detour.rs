//! Links that go through somebody who counts or checks who follows them: where they lead stands in them.
//!
//! Only what says openly where it leads is read: nothing is ever asked for. The services that do nothing else are left
//! out. Of others an address may hold another for a purpose of its own (`…/login?return=https://…`, or one with a token):
//! those are followed as they are, and of some it is said where they lead on to.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use url::Url;

/// Where a link leads in the end, and the host that it goes through first; none if it leads there itself.
pub(super) fn goal(url: &Url) -> Option<(Url, String)> {
    let through = url.host_str()?.to_owned();
    let mut goal = next(url)?;
    // One program wraps what another has wrapped.
    for _ in 1..MOST_DETOURS {
        match next(&goal) {
            Some(further) => goal = further,
            None => break,
        }
    }
    Some((goal, through))
}

fn next(url: &Url) -> Option<Url> {
    let host = url.host_str()?;
    let is_at = |known: &str| {
        host.strip_suffix(known)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if is_at("urldefense.com") || is_at("urldefense.proofpoint.com") {
        return urldefense(url);
    }
    if IN_PATH.iter().any(|known| is_at(known)) {
        // `/L0/https:%2F%2Fteam.example%2Fnews/1/…`
        return url.path_segments()?.find_map(|part| web(&decoded(part)));
    }
    let is_google = host.starts_with("www.google.") && url.path() == "/url";
    let names = KNOWN
        .iter()
        .filter(|(known, path, _)| is_at(known) && url.path().starts_with(path))
        .map(|(_, _, name)| *name)
        .chain(GOOGLE.into_iter().filter(|_| is_google));
    first_goal(url, names)
}

/// The host that an address leads on to which speaks of nothing but leading on: `https://click.team.example/track?…`.
pub(super) fn leads_on(url: &Url) -> Option<String> {
    let mut words = url.path_segments()?.filter(|part| !part.is_empty());
    let last = words.next_back()?;
    // `redirect.php` is one, too.
    let word = last.split_once('.').map_or(last, |(stem, _)| stem);
    let counts = COUNTING
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known));
    let goal = first_goal(url, GOALS.into_iter().filter(|_| counts))?;
    let host = goal.host_str()?;
    (Some(host) != url.host_str()).then(|| host.to_owned())
}

/// The first address that one of these parameters holds.
fn first_goal(url: &Url, mut names: impl Iterator<Item = &'static str>) -> Option<Url> {
    names.find_map(|name| {
        let mut pairs = url.query_pairs();
        pairs.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| web(&value))?)
    })
}

/// Proofpoint's: `/v2/url?u=https-3A__team.example_news&d=…` and `/v3/__https://team.example/news__;!!…`.
fn urldefense(url: &Url) -> Option<Url> {
    if let Some(rest) = url.as_str().split_once("/v3/__").map(|(_, rest)| rest) {
        let (wrapped, rest) = rest.split_once("__;")?;
        let left_out = rest.split_once("!!")?.0;
        return web(&filled(wrapped, left_out)?);
    }
    let wrapped = url
        .query_pairs()
        .find_map(|(key, value)| (key == "u").then(|| value.into_owned()))?;
    match url.path().starts_with("/v1/") {
        true => web(&wrapped),
        false => web(&decoded(&wrapped.replace('-', "%").replace('_', "/"))),
    }
}

/// What version 3 has left out stands behind, in base64: a `*` in the address for each character.
fn filled(wrapped: &str, left_out: &str) -> Option<String> {
    // `**A` stands for several at once: those are rare, and left as they are.
    if wrapped.contains("**") {
        return None;
    }
    let characters = URL_SAFE_NO_PAD
        .decode(left_out.trim_end_matches('='))
        .ok()?;
    let characters = String::from_utf8(characters).ok()?;
    let mut characters = characters.chars();
    let mut filled = String::with_capacity(wrapped.len());
    for c in wrapped.chars() {
        filled.push(match c {
            '*' => characters.next()?,
            c => c,
        });
    }
    Some(filled)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A whole address of the web.
fn web(text: &str) -> Option<Url> {
    let is_web = ["http:/", "https:/"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let url = Url::parse(text).ok().filter(|_| is_web)?;
    let has_dot = url.host_str().is_some_and(|host| host.contains('.'));
    has_dot.then_some(url)
}

/// Hosts, where their detours begin, and the name of what holds the goal.
const KNOWN: [(&str, &str, &str); 8] = [
    ("safelinks.protection.outlook.com", "/", "url"),
    ("l.facebook.com", "/l.php", "u"),
    ("linkedin.com", "/redir/", "url"),
    ("youtube.com", "/redirect", "q"),
    ("slack-redir.net", "/link", "url"),
    ("linkprotect.cudasvc.com", "/url", "a"),
    ("t.umblr.com", "/redirect", "z"),
    ("clicktime.symantec.com", "/", "u"),
];

/// Hosts that have the goal in the path.
const IN_PATH: [&str; 2] = ["awstrack.me", "secure-web.cisco.com"];

/// What addresses of programs that count end in.
const COUNTING: [&str; 14] = [
    "click",
    "clicks",
    "ct",
    "clickthrough",
    "redirect",
    "redir",
    "track",
    "tracking",
    "link",
    "out",
    "away",
    "goto",
    "exit",
    "url",
];

/// What Google calls the goal, whatever country it is in.
const GOOGLE: [&str; 2] = ["q", "url"];

/// What they call the goal.
const GOALS: [&str; 10] = [
    "url",
    "q",
    "u",
    "target",
    "redirect",
    "redirect_url",
    "dest",
    "destination",
    "goto",
    "to",
];

/// More are a game.
const MOST_DETOURS: usize = 4;
