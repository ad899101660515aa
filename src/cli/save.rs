//! `save` and `open`: a notice's mail, its files and its links.

use std::path::PathBuf;

use clap::Args;

use super::{
    context::{Context, Which},
    export::{self, SaveForm},
    failure::{self, Failure},
    output::Out,
    remark::remark,
};
use crate::{
    app::saving::{download_dir, save_new},
    config,
    notice::{Notice, files, shown::Shown},
};

/// What `save` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings save k3f                   the mail itself, as .eml\n  \
    tidings save k3f --format txt      its text; or md, html, json, mbox, maildir\n  \
    tidings save k3f 4                 the file that `show` numbers 4\n  \
    tidings save k3f --all --to /tmp   all its files")]
pub struct SaveArgs {
    /// The notice's id, or the beginning of it.
    #[arg(value_name = "ID")]
    id: String,
    /// The file, by the number that `show` gives it.
    #[arg(value_name = "N", conflicts_with = "all")]
    number: Option<usize>,
    /// All its files.
    #[arg(long)]
    all: bool,
    /// The form in which the mail is saved.
    #[arg(long, value_name = "FORM", value_enum, default_value_t, conflicts_with_all = ["number", "all"])]
    format: SaveForm,
    /// The folder; the download folder if absent.
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

/// What `open` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    tidings open k3f 1      the link that `show` numbers [1]\n  \
    tidings open k3f 4      the file that `show` numbers 4; programs are never opened")]
pub struct OpenArgs {
    /// The notice's id, or the beginning of it.
    #[arg(value_name = "ID")]
    id: String,
    /// The link or file, by its number.
    #[arg(value_name = "N")]
    number: usize,
    #[command(flatten)]
    which: Which,
}

/// Saves a notice or files of it, never over something that is there, and writes the paths.
///
/// # Errors
///
/// There is no such notice or file, or it cannot be saved.
pub fn save(args: &SaveArgs, context: &Context) -> Result<(), Failure> {
    let found = context.notice(&args.which, &args.id)?;
    let mail = found.mail()?;
    let notice = Notice::parse(&mail);
    let folder = match &args.to {
        Some(folder) => config::expand(folder),
        None => download_dir(&context.settings),
    };
    let parts: Vec<&files::File> = match args.number {
        Some(number) => vec![file(&notice, number)?],
        None if args.all && notice.files.is_empty() => {
            remark(&Shown::line(&format!("{} has no files", args.id)));
            return Ok(());
        }
        None if args.all => notice.files.iter().collect(),
        None => Vec::new(),
    };
    let mut out = Out::new();
    if args.format == SaveForm::Maildir {
        export::into_maildir(&folder, &mail)?;
        out.line(&Shown::line(&folder.display().to_string()))?;
        return out.flush();
    }
    let mut write = |name: &str, bytes: &[u8]| -> Result<(), Failure> {
        let path = save_new(&folder, name, bytes).map_err(|error| {
            Failure::new(
                failure::SAVED_DATA,
                format!("cannot save {name} in {}: {error}", folder.display()),
            )
        })?;
        out.line(&Shown::line(&path.display().to_string()))
    };
    if args.number.is_none() && !args.all {
        let ending = args.format.ending();
        write(
            &files::safe_name(
                &format!("{}.{ending}", notice.subject),
                &format!("notice.{ending}"),
            ),
            &args.format.of(&found.headline.handle, &mail)?,
        )?;
    }
    for file in parts {
        let bytes = files::bytes(&mail, file.place)
            .ok_or_else(|| Failure::new(failure::SAVED_DATA, "the file cannot be decoded"))?;
        write(&file.name, &bytes)?;
    }
    out.flush()
}

/// Opens a link or a file by the system's opener. Programs are never opened.
///
/// # Errors
///
/// There is no such notice, link or file, or nothing to open it with.
pub fn open(args: &OpenArgs, context: &Context) -> Result<(), Failure> {
    let found = context.notice(&args.which, &args.id)?;
    let mail = found.mail()?;
    let notice = Notice::parse(&mail);
    let cannot = |what: &str, why: String| {
        Failure::new(failure::UNEXPECTED, format!("cannot open {what}: {why}"))
    };
    if let Some(link) = args
        .number
        .checked_sub(1)
        .and_then(|index| notice.links.get(index))
    {
        return open::that_detached(link.target.as_str())
            .map_err(|error| cannot(&link.target, error.to_string()));
    }
    let file = file(&notice, args.number)?;
    if files::is_program(&file.name, &file.content_type) {
        return Err(
            cannot(&file.name, "it is a program".to_owned()).then(format!(
                "`tidings save {} {}` saves it",
                args.id, args.number
            )),
        );
    }
    let bytes = files::bytes(&mail, file.place)
        .ok_or_else(|| Failure::new(failure::SAVED_DATA, "the file cannot be decoded"))?;
    let folder = tempfile::Builder::new()
        .prefix("tidings-")
        .tempdir()
        .map_err(|error| Failure::unexpected("cannot make a folder", error))?
        // The program that opens it reads it after we have ended.
        .keep();
    let path = save_new(&folder, &file.name, &bytes)
        .map_err(|error| cannot(&file.name, error.to_string()))?;
    open::that_detached(path).map_err(|error| cannot(&file.name, error.to_string()))
}

/// The file of this number: files are numbered behind the links.
fn file(notice: &Notice, number: usize) -> Result<&files::File, Failure> {
    number
        .checked_sub(notice.links.len() + 1)
        .and_then(|index| notice.files.get(index))
        .ok_or_else(|| {
            Failure::new(
                failure::NO_SUCH_NOTICE,
                format!("this notice has no file or link {number}"),
            )
            .then("`tidings show` numbers them")
        })
}
