//! `tidings serve status`: what the running server says of itself.

use std::{io, path::Path};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    cli::{
        FormArgs,
        failure::{self, Failure},
        output::{Form, Out, number, words},
    },
    notice::shown::Shown,
    server::{figures::Status, status},
};

/// Asks the server over this spool.
pub(super) async fn status(spool: &Path, form: &FormArgs) -> Result<(), Failure> {
    let status = status::ask(spool).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                format!("no server runs over {}", spool.display())
            }
            _ => format!("the server over {} does not answer", spool.display()),
        };
        Failure::with_code(failure::UNEXPECTED, anyhow::Error::new(error).context(why))
    })?;
    let mut out = Out::new();
    match form.form(&out) {
        Form::Json | Form::JsonLines => out.json_value(&status)?,
        form => write(&mut out, form, &status)?,
    }
    out.flush()
}

fn write(out: &mut Out, form: Form, status: &Status) -> Result<(), Failure> {
    let zone = TimeZone::system();
    let clock = |at: Timestamp| {
        let at = at.to_zoned(zone.clone());
        Shown::line(&at.strftime("%d %b %H:%M:%S").to_string())
    };
    if form == Form::Table {
        out.fitted_line(&format!(
            "tidings {}: {}",
            status.version,
            status.in_a_line()
        ))?;
    }
    let sessions: Vec<Vec<Shown>> = status
        .sessions
        .iter()
        .map(|session| {
            vec![
                Shown::line(&session.session.to_string()),
                Shown::line(session.account.as_deref().unwrap_or("-")),
                Shown::line(&session.address.to_string()),
                clock(session.since),
                Shown::line(&session.commands.to_string()),
            ]
        })
        .collect();
    let columns = [
        number("SESSION"),
        words("ACCOUNT"),
        words("FROM"),
        words("SINCE"),
        number("COMMANDS"),
    ];
    out.table(form, &columns, &sessions)?;
    if form != Form::Table {
        return Ok(());
    }
    let slowest: Vec<Vec<Shown>> = status
        .slowest
        .iter()
        .map(|slow| {
            vec![
                Shown::line(&slow.milliseconds.to_string()),
                Shown::line(&slow.what),
                Shown::line(slow.account.as_deref().unwrap_or("-")),
                clock(slow.at),
            ]
        })
        .collect();
    let columns = [
        number("SLOWEST MS"),
        words("WHAT"),
        words("ACCOUNT"),
        words("AT"),
    ];
    out.table(form, &columns, &slowest)
}
