//! What would tell a stranger whose mailbox a report is of, and how it is hidden (pure).

use std::net::IpAddr;

use crate::config::Mailbox;

/// The names in a mailbox's settings, the longest first.
#[derive(Debug)]
pub(super) struct Names(Vec<(String, &'static str)>);

/// A name that is shorter says nothing, and would be found in every word.
const SHORTEST: usize = 3;

impl Names {
    pub fn of(mailbox: &Mailbox) -> Names {
        let (account, domain) = match mailbox.user.split_once('@') {
            Some((account, domain)) => (account, domain),
            None => (mailbox.user.as_str(), ""),
        };
        // `pop.team.example` belongs to `team.example`, which greetings name as well.
        let parent = mailbox
            .host
            .split_once('.')
            .map_or("", |(_, parent)| parent);
        let proxy = mailbox.proxy.as_ref();
        let mut names = vec![
            (mailbox.user.clone(), "USER"),
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
        names.retain(|(name, _)| name.len() >= SHORTEST);
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
            // A port may stand behind it.
            let is_address = word.parse::<IpAddr>().is_ok()
                || word
                    .rsplit_once(':')
                    .is_some_and(|(word, _)| word.parse::<IpAddr>().is_ok());
            shown.push_str(if is_address { "ADDRESS" } else { word });
            rest = &rest[end..];
        }
        shown.push_str(rest);
        shown
    }
}

/// All places where a name stands, in either case.
fn replace(text: &str, name: &str, stand_in: &str) -> String {
    let (lower, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = lower[from..].find(&name) {
        replaced.push_str(&text[from..from + found]);
        replaced.push_str(stand_in);
        from += found + name.len();
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
    fn addresses_are_hidden_and_times_and_numbers_are_not() {
        let line =
            "found (10.0.4.17), [2001:db8::17]:995, 10.0.4.17:110 at 14:05:33, 3 notices, 1.2";

        assert_eq!(
            names().hide(line),
            "found (ADDRESS), [ADDRESS]:995, ADDRESS at 14:05:33, 3 USER, 1.2"
        );
    }
}
