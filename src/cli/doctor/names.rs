//! What would tell a stranger whose mailbox a report is of, and how it is hidden (pure).

use std::net::IpAddr;

use crate::config::Mailbox;

/// The names in a mailbox's settings, the longest first.
#[derive(Debug)]
pub(super) struct Names(Vec<(String, &'static str)>);

/// A name that is shorter counts only as a word of its own: it would be found in many others.
const SHORTEST: usize = 4;

impl Names {
    pub fn of(mailbox: &Mailbox) -> Names {
        let user = mailbox
            .user
            .strip_prefix("recent:")
            .unwrap_or(&mailbox.user);
        let (account, domain) = user.split_once('@').unwrap_or((user, ""));
        // `pop.team.example` belongs to `team.example`, which greetings name as well.
        let parent = mailbox
            .host
            .split_once('.')
            .map_or("", |(_, parent)| parent);
        let proxy = mailbox.proxy.as_ref();
        let mut names = vec![
            (mailbox.user.clone(), "USER"),
            (user.to_owned(), "USER"),
            (account.to_owned(), "USER"),
            (domain.to_owned(), "DOMAIN"),
            (mailbox.host.clone(), "HOST"),
            (mailbox.name.clone(), "MAILBOX"),
        ];
        if parent.contains('.') {
            names.push((parent.to_owned(), "DOMAIN"));
        }
        names.extend(proxy.map(|proxy| (proxy.host.clone(), "PROXY")));
        let login = proxy.and_then(|proxy| proxy.login.as_ref());
        names.extend(login.map(|(name, _)| (name.clone(), "USER")));
        names.retain(|(name, _)| !name.is_empty());
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Names(names)
    }

    /// A line without them, and without addresses.
    pub fn hide(&self, line: &str) -> String {
        let mut hidden = line.to_owned();
        for (name, stand_in) in &self.0 {
            hidden = replace(&hidden, name, stand_in);
        }
        let is_of_address = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
        let mut shown = String::with_capacity(hidden.len());
        let mut rest = hidden.as_str();
        while let Some(start) = rest.find(is_of_address) {
            let end = rest[start..]
                .find(|c| !is_of_address(c))
                .map_or(rest.len(), |end| start + end);
            let word = &rest[start..end];
            shown.push_str(&rest[..start]);
            // A sentence may end behind it, or a port stand there, or a word before it.
            let bare = word.trim_matches(['.', ':']);
            let is_address = [Some(bare), bare.rsplit_once(':').map(|(word, _)| word)]
                .into_iter()
                .chain([bare.split_once(':').map(|(_, word)| word)])
                .flatten()
                .any(|word| word.parse::<IpAddr>().is_ok());
            match (is_address, word.find(bare)) {
                (true, Some(start)) => {
                    shown.push_str(&word[..start]);
                    shown.push_str("ADDRESS");
                    shown.push_str(&word[start + bare.len()..]);
                }
                _ => shown.push_str(word),
            }
            rest = &rest[end..];
        }
        shown.push_str(rest);
        without_others(&shown)
    }
}

/// A line without the names of other servers and people, as greetings and refusals have them.
fn without_others(line: &str) -> String {
    let is_of_name =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_' | '+');
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(is_of_name) {
        let end = rest[start..]
            .find(|c| !is_of_name(c))
            .map_or(rest.len(), |end| start + end);
        let word = &rest[start..end];
        shown.push_str(&rest[..start]);
        // A sentence may end behind it.
        let bare = word.trim_end_matches('.');
        match bare.split_once('@') {
            Some((_, host)) if is_host(host) => shown.push_str("SOMEBODY"),
            None if is_host(bare) => shown.push_str("A-HOST"),
            _ => shown.push_str(bare),
        }
        shown.push_str(&word[bare.len()..]);
        rest = &rest[end..];
    }
    shown.push_str(rest);
    shown
}

/// True for what looks like the whole name of a machine. A number of a version does not, nor a name hidden already.
fn is_host(word: &str) -> bool {
    let is_hidden = ["HOST", "DOMAIN", "PROXY", "ADDRESS"]
        .iter()
        .any(|stand_in| word.contains(stand_in));
    let labels: Vec<&str> = word.split('.').collect();
    let last = labels.last().copied().unwrap_or_default();
    !is_hidden
        && labels.len() > 1
        && labels.iter().all(|label| !label.is_empty())
        && last.len() > 1
        && last.bytes().all(|octet| octet.is_ascii_alphabetic())
}

/// All places where a name stands, in either case.
fn replace(text: &str, name: &str, stand_in: &str) -> String {
    let (lower, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = lower[from..].find(&name) {
        let (start, end) = (from + found, from + found + name.len());
        let is_of_word = |c: char| c.is_alphanumeric();
        let is_within = text[..start].chars().next_back().is_some_and(is_of_word)
            || text[end..].chars().next().is_some_and(is_of_word);
        replaced.push_str(&text[from..start]);
        match name.len() < SHORTEST && is_within {
            true => replaced.push_str(&text[start..end]),
            false => replaced.push_str(stand_in),
        }
        from = end;
    }
    replaced.push_str(&text[from..]);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::of(&Mailbox {
            name: "ops".to_owned(),
            host: "pop.team.example".to_owned(),
            user: "notices@corp.example".to_owned(),
            ..Mailbox::default()
        })
    }

    #[test]
    fn no_name_of_the_settings_is_left() {
        let hidden = names().hide(
            "C: USER Notices@corp.example; +OK mx7.TEAM.example ready, notices has 3 at pop.team.example",
        );

        assert_eq!(
            hidden,
            "C: USER USER; +OK mx7.DOMAIN ready, USER has 3 at HOST"
        );
    }

    #[test]
    fn what_a_server_calls_itself_and_others_is_hidden_and_its_version_is_not() {
        let line = "+OK Dovecot-2.3.21 ready <1896.697@mailsrv7.bigcorp.test>, ask robert.smith@bigcorp.test or \
                    helpdesk.bigcorp.test. See e.g. RFC 1939.";

        assert_eq!(
            names().hide(line),
            "+OK Dovecot-2.3.21 ready <SOMEBODY>, ask SOMEBODY or A-HOST. See e.g. RFC 1939."
        );
    }

    #[test]
    fn short_names_are_hidden_as_words_and_a_prefix_of_gmail_hides_nobody() {
        let names = Names::of(&Mailbox {
            name: "x".to_owned(),
            host: "localhost".to_owned(),
            user: "recent:hr@gmail.com".to_owned(),
            ..Mailbox::default()
        });

        let hidden = names.hide("C: USER hr; three messages for hr, from:10.1.2.3 or 10.1.2.4.");

        assert_eq!(
            hidden,
            "C: USER USER; three messages for USER, from:ADDRESS or ADDRESS."
        );
    }

    #[test]
    fn addresses_are_hidden_and_times_and_numbers_are_not() {
        let line =
            "found (10.0.4.17), [2001:db8::17]:995, 10.0.4.17:110 at 14:05:33, 3 notices, 1.2";

        assert_eq!(
            names().hide(line),
            "found (ADDRESS), [ADDRESS]:995, ADDRESS at 14:05:33, 3 USER, 1.2"
        );
    }
}
