//! The connection test of `setup` and `doctor`: one stage after the other, up to the first failure.

use secrecy::SecretString;
use tokio::time::Instant;

use crate::{
    client::{Authorization, Endpoint, Error, Transaction, dialogue::Dialogue, login::Last},
    config::{Mailbox, Settings, Tls},
    net::{connect, tls},
    notice::shown::Shown,
    poll::{outcome, report::Outcome, services},
    tui::setup::{Stage, Step, StepResult},
};

/// Tests a mailbox, and tells each step as it begins and ends. `last` is the way of signing in that
/// worked the last time, so that no weaker one is taken.
///
/// # Errors
///
/// A stage failed: what it comes to, as for a check. The step told of it in words.
pub async fn run(
    mailbox: &Mailbox,
    password: &SecretString,
    last: Option<Last>,
    settings: &Settings,
    dialogue: &Dialogue,
    mut tell: impl FnMut(Step) + Send,
) -> Result<(), Outcome> {
    let mut trial = Trial {
        tell: &mut tell,
        dialogue,
        began: Instant::now(),
        stage: Stage::Find,
    };
    trial
        .go(mailbox, password, last, settings)
        .await
        .map_err(|error| {
            let (words, remedy) = explain(mailbox, &error);
            trial.end(StepResult::Failed { words, remedy });
            outcome::of_session(&error)
        })
}

struct Trial<'a> {
    tell: &'a mut (dyn FnMut(Step) + Send),
    dialogue: &'a Dialogue,
    began: Instant,
    stage: Stage,
}

impl Trial<'_> {
    fn begin(&mut self, stage: Stage) {
        self.stage = stage;
        self.began = Instant::now();
        (self.tell)(Step {
            stage,
            result: StepResult::Started,
            took: None,
        });
    }

    fn end(&mut self, result: StepResult) {
        (self.tell)(Step {
            stage: self.stage,
            result,
            took: Some(self.began.elapsed()),
        });
    }

    fn pass(&mut self, words: &str) {
        self.end(StepResult::Passed {
            words: Shown::line(words),
        });
    }

    fn warn(&mut self, words: &str) {
        self.end(StepResult::Warned {
            words: Shown::line(words),
        });
    }

    async fn go(
        &mut self,
        mailbox: &Mailbox,
        password: &SecretString,
        last: Option<Last>,
        settings: &Settings,
    ) -> Result<(), Error> {
        self.begin(Stage::Find);
        let endpoint = Endpoint::of(mailbox, settings)?;
        let route = &endpoint.route;
        let addresses = route.find().await?;
        self.pass(&match &route.proxy {
            Some(proxy) => format!("found the proxy {} ({})", proxy.host, addresses[0].ip()),
            None => format!("found {} ({})", route.host, addresses[0].ip()),
        });

        self.begin(Stage::Connect);
        let (stream, _) = route.open(&addresses).await?;
        let through = route.proxy.as_ref().map_or("", |_| " through the proxy");
        self.pass(&format!("connected to port {}{through}", route.port));

        self.begin(Stage::Encrypt);
        let session = match Authorization::protected(stream, &endpoint, self.dialogue).await {
            Ok(session) => session,
            Err(error) => return Err(Authorization::explained(error, &endpoint, &addresses).await),
        };
        match session.certificate() {
            Some(certificate) => {
                let until = tls::valid_until(&certificate)
                    .map(|until| {
                        format!(", certificate valid until {}", until.strftime("%Y-%m-%d"))
                    })
                    .unwrap_or_default();
                self.pass(&format!("encrypted by TLS{until}"));
            }
            None if mailbox.is_loopback() => self.pass("not encrypted: the server is this machine"),
            None => {
                self.warn("not encrypted: your password travels in clear text, as the settings say")
            }
        }

        self.begin(Stage::SignIn);
        let mut transaction = session
            .login(&mailbox.user, password, last, None, None)
            .await?;
        self.pass(&format!("signed in as {}", mailbox.user));

        let looked = self.look(mailbox, &mut transaction).await;
        // A session left open keeps teammates waiting.
        transaction.quit().await;
        looked
    }

    /// The stages of somebody who has signed in.
    async fn look(
        &mut self,
        mailbox: &Mailbox,
        transaction: &mut Transaction,
    ) -> Result<(), Error> {
        self.begin(Stage::List);
        transaction.capa_if_it_may_differ().await?;
        let listing = transaction.listing(false).await?.parse();
        self.pass(&format!("{} notices on the server", listing.scan.len()));

        self.begin(Stage::TellApart);
        if listing.unique_ids.is_some() {
            self.pass("can tell notices apart (UIDL)");
        } else {
            self.warn(
                "cannot tell notices apart (no UIDL): tidings compares their headers instead",
            );
        }

        self.begin(Stage::Keeps);
        let days = transaction
            .capabilities()
            .and_then(|capabilities| capabilities.expire_days());
        match (days, services::caution(mailbox)) {
            (None, Some(caution)) => self.warn(&caution),
            (None, None) => self.pass("keeps what people read (no expiry announced)"),
            (Some(0), _) => self.warn(
                "removes notices once they are read (EXPIRE 0): not for sharing, ask whoever runs \
                 the server to switch it off",
            ),
            (Some(days), _) => self.warn(&format!(
                "removes notices after {days} days (EXPIRE {days})"
            )),
        }
        Ok(())
    }
}

/// What went wrong, and what to do about it.
fn explain(mailbox: &Mailbox, error: &Error) -> (Shown, Shown) {
    let words = Shown::line(&outcome::words(error));
    let remedy = match (error, outcome::of_session(error)) {
        (Error::NoToken, _) => "set a password in the place of token_command".to_owned(),
        (Error::Connect(_), _) if let Some(proxy) = &mailbox.proxy => {
            format!("check the proxy that is set ({proxy}), and what it lets through")
        }
        (Error::Connect(connect::Error::Find { .. }), _) => {
            "check the server's name, and that you are online".to_owned()
        }
        (Error::Connect(_), _) => format!(
            "check the port ({} is set; 995 is usual for TLS, 110 for STLS) and the network",
            mailbox.port()
        ),
        (Error::Tls { fault: None, .. }, _) if mailbox.tls == Tls::Implicit => format!(
            "port {} may not speak TLS from the start: try port 995, or security STARTTLS",
            mailbox.port()
        ),
        (_, Outcome::SignInFailed { .. }) if mailbox.has_token() => {
            "sign in anew with the program of token_command; the service must allow POP for the account"
                .to_owned()
        }
        (_, Outcome::SignInFailed { .. }) => match services::of(mailbox) {
            Some(service) => service.sign_in.to_owned(),
            None => "check the user name and the password; some providers want an app password, or POP3 \
                     switched on first"
                .to_owned(),
        },
        (_, Outcome::Busy { .. }) => {
            "someone else is checking just now: test again in a moment".to_owned()
        }
        (_, Outcome::Broken { .. }) => {
            "what answers there is no POP3 server: check name and port".to_owned()
        }
        (_, Outcome::NotSafe { .. }) => {
            "ask whoever runs the server; tidings does not go on without protection".to_owned()
        }
        _ => "try again later, or ask whoever runs the server".to_owned(),
    };
    (words, Shown::line(&remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pop3::response::Response;

    fn remedy(host: &str, has_token: bool, said: &'static str) -> String {
        let mailbox = Mailbox {
            host: host.to_owned(),
            token_command: if has_token {
                vec!["token".to_owned()]
            } else {
                Vec::new()
            },
            ..Mailbox::default()
        };
        let error = Error::Rejected {
            request: "PASS",
            response: Response::err(said),
        };
        explain(&mailbox, &error).1.to_string()
    }

    #[test]
    fn whoever_is_not_let_in_hears_what_the_service_wants() {
        for (host, words) in [
            ("pop.gmail.com", "make an app password"),
            ("outlook.office365.com", "set token_command"),
            ("pop.mail.yahoo.com", "make an app password"),
            ("pop.gmx.net", "POP3 switched off at first"),
            ("pop3.web.de", "POP3 switched off at first"),
            ("securepop.t-online.de", "the password for e-mail programs"),
            ("pop.zoho.eu", "POP switched off at first"),
            ("pop.mail.me.com", "has no POP3"),
            ("pop.team.example", "check the user name and the password"),
        ] {
            let said = remedy(host, false, "[AUTH] Invalid credentials");
            assert!(said.contains(words), "{host}: {said}");
        }
        let said = remedy("pop.gmail.com", true, "[AUTH] Invalid credentials");
        assert!(
            said.starts_with("sign in anew with the program of token_command"),
            "{said}"
        );
    }

    #[test]
    fn what_is_no_matter_of_the_password_has_a_remedy_of_its_own() {
        let mailbox = Mailbox::default();
        for (error, words) in [
            (
                Error::Rejected {
                    request: "PASS",
                    response: Response::err("mailbox is locked by another session"),
                },
                "someone else is checking just now",
            ),
            (
                Error::NoToken,
                "set a password in the place of token_command",
            ),
            (
                Error::ClearText,
                "tidings does not go on without protection",
            ),
            (Error::Closed, "try again later"),
            (
                Error::Connect(connect::Error::Connect {
                    host: "x".to_owned(),
                    port: 995,
                    source: std::io::ErrorKind::ConnectionRefused.into(),
                }),
                "check the port (995 is set; 995 is usual for TLS, 110 for STLS)",
            ),
        ] {
            let said = explain(&mailbox, &error).1;
            assert!(said.contains(words), "{error}: {said}");
        }
    }
}
