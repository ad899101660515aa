//! Mail services that many use, and what of them a person has to know before tidings can (pure).

use std::time::Duration;

use crate::config::Mailbox;

/// A service, by the names of its servers.
#[derive(Debug)]
pub struct Service {
    /// What people call it.
    pub name: &'static str,
    /// The ends of its servers' names.
    hosts: &'static [&'static str],
    /// What to do where it does not let one in.
    pub sign_in: &'static str,
    /// The least time between two logins of one program, where it throttles those that come more often without
    /// announcing it (LOGIN-DELAY).
    least: Option<Duration>,
}

const SERVICES: [Service; 8] = [
    Service {
        name: "Gmail",
        hosts: &["gmail.com", "googlemail.com"],
        sign_in: "Gmail takes no account password: switch POP on (Settings, Forwarding and POP/IMAP), then \
                  make an app password, or set token_command",
        least: Some(Duration::from_secs(600)),
    },
    Service {
        name: "Microsoft",
        hosts: &["outlook.com", "office365.com", "hotmail.com", "live.com"],
        sign_in: "Microsoft takes no passwords by POP any more: set token_command; whoever runs the \
                  organisation must allow POP for this mailbox",
        least: None,
    },
    Service {
        name: "Yahoo",
        hosts: &["yahoo.com", "yahoo.co.jp", "aol.com"],
        sign_in: "Yahoo and AOL take no account password: make an app password (Account security)",
        least: None,
    },
    Service {
        name: "GMX",
        hosts: &["gmx.net", "gmx.com", "gmx.de"],
        sign_in: "GMX has POP3 switched off at first: switch it on (E-Mail, Settings, POP3/IMAP); with two \
                  factors an app password is needed",
        least: None,
    },
    Service {
        name: "web.de",
        hosts: &["web.de"],
        sign_in: "web.de has POP3 switched off at first: switch it on (E-Mail, Settings, POP3/IMAP); with \
                  two factors an app password is needed",
        least: None,
    },
    Service {
        name: "T-Online",
        hosts: &["t-online.de"],
        sign_in: "T-Online wants the password for e-mail programs, which is set in the e-mail centre, not \
                  that of the account",
        least: None,
    },
    Service {
        name: "Zoho",
        hosts: &["zoho.com", "zoho.eu"],
        sign_in: "Zoho has POP switched off at first: switch it on (Settings, Mail accounts); with two \
                  factors an app password is needed",
        least: None,
    },
    Service {
        name: "iCloud",
        hosts: &["mail.me.com", "icloud.com"],
        sign_in: "iCloud Mail has no POP3: have its mail forwarded to an account that has",
        least: None,
    },
];

/// The service that a mailbox is at, if it is one of those.
pub fn of(mailbox: &Mailbox) -> Option<&'static Service> {
    let host = mailbox.host.to_ascii_lowercase();
    SERVICES.iter().find(|service| {
        service.hosts.iter().any(|end| {
            host.strip_suffix(end)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    })
}

/// The least time between two checks that this service bears.
pub fn least_interval(mailbox: &Mailbox) -> Option<Duration> {
    of(mailbox)?.least
}

/// True if this service lists only what nobody has fetched yet: what is not listed may be there still.
pub fn lists_only_untaken(mailbox: &Mailbox) -> bool {
    of(mailbox).is_some_and(|service| service.name == "Gmail") && !mailbox.lists_recent()
}

/// What teammates would miss at this service as it is set up, if something.
pub fn caution(mailbox: &Mailbox) -> Option<String> {
    lists_only_untaken(mailbox).then(|| {
        format!(
            "Gmail gives each message only to whoever fetches it first: set user = \"recent:{}\", and \
             everyone gets the last 30 days",
            mailbox.user
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, user: &str) -> Mailbox {
        Mailbox {
            host: host.to_owned(),
            user: user.to_owned(),
            ..Mailbox::default()
        }
    }

    #[test]
    fn a_service_is_known_by_the_end_of_its_servers_name() {
        let name = |host| of(&at(host, "")).map(|service| service.name);

        assert_eq!(name("pop.gmail.com"), Some("Gmail"));
        assert_eq!(name("OUTLOOK.office365.com"), Some("Microsoft"));
        assert_eq!(name("pop.notgmail.com"), None);
        assert_eq!(name("gmail.com.team.example"), None);
    }

    #[test]
    fn gmail_is_called_no_more_often_than_it_bears() {
        let least = |host| least_interval(&at(host, ""));

        assert_eq!(least("pop.gmail.com"), Some(Duration::from_secs(600)));
        assert_eq!(least("pop.team.example"), None);
    }

    #[test]
    fn gmail_is_warned_of_unless_it_lists_the_recent_ones() {
        assert!(caution(&at("pop.gmail.com", "a@gmail.com")).is_some());
        assert_eq!(caution(&at("pop.gmail.com", "recent:a@gmail.com")), None);
        assert_eq!(caution(&at("pop.team.example", "a@gmail.com")), None);
    }
}
