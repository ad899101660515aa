//! Real and hostile mail, shown as text. The snapshots in `snapshots/` are what a reader sees.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use tidings::notice::{
    Headline, Notice,
    body::Options,
    files::{self, Place},
    fingerprint::Fingerprint,
    headline::Digest,
    search_text::SearchText,
    text,
};

/// Writes every corpus mail as it is shown into a folder, for a person to look through.
#[test]
#[ignore = "writes files: TIDINGS_SHOW=folder cargo test -- --ignored show_the_corpus"]
fn show_the_corpus() {
    let folder =
        PathBuf::from(std::env::var_os("TIDINGS_SHOW").expect("TIDINGS_SHOW names a folder"));
    for path in corpus() {
        let name = path
            .file_name()
            .expect("a mail has a name")
            .to_string_lossy()
            .into_owned();
        let raw = fs::read(&path).expect("the corpus can be read");
        fs::write(folder.join(format!("{name}.txt")), shown(&raw, 80))
            .expect("the folder can be written");
    }
}

#[test]
fn mails_look_as_in_their_snapshots() {
    let mails = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
    let mut paths = Vec::new();
    mails_in(&mails, &mut paths);
    // A month of a list as one file is no mail.
    paths.retain(|path| !path.ends_with("easyham1.mbox"));
    paths.sort();
    insta::allow_duplicates! {
        for path in paths {
            let raw = fs::read(&path).expect("a mail of ours can be read");
            let name = path.strip_prefix(&mails).expect("it lies there").with_extension("");
            let name = name.to_string_lossy().replace(['/', '\\'], "-");
            insta::with_settings!({ snapshot_path => "snapshots/mails", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name, shown(&raw, 80));
            });
        }
    }
}

#[test]
fn every_mail_of_the_corpus_is_shown_harmlessly() {
    for path in corpus() {
        let raw = fs::read(&path).expect("the corpus can be read");
        is_harmless(&raw, &path.display().to_string());
    }
}

#[test]
fn a_first_check_reads_the_same_of_a_mail_as_who_reads_all_of_it() {
    for path in corpus() {
        let raw = fs::read(&path).expect("the corpus can be read");
        let whole = Digest {
            search_text: SearchText::default(),
            ..Digest::of(&raw, now())
        };

        let hasty = Digest::without_words(&raw, now());

        assert_eq!(hasty, whole, "{}", path.display());
    }
}

#[test]
fn of_a_large_file_the_list_needs_no_more_than_its_beginning() {
    let picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4\r\n".repeat(1_000);
    let mail = format!(
        "Subject: The plan\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHere it is: https://team.example\r\n\
         --b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n{picture}\
         --b\r\nContent-Type: application/pdf; name=plan.pdf\r\nContent-Transfer-Encoding: BASE64\r\n\r\n{picture}\
         --b\r\nContent-Type: application/octet-stream; name=cut.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n{picture}"
    );

    let headline = Digest::without_words(mail.as_bytes(), now()).headline;

    assert_eq!((headline.files, headline.has_link), (3, true));
    assert_eq!(headline, Digest::of(mail.as_bytes(), now()).headline);

    // What Outlook packs is looked into, whatever it is called.
    let packed = fs::read_to_string("tests/mails/own/winmail.eml").expect("it is there");
    let packed = packed
        .replace("application/ms-tnef", "application/octet-stream")
        .replace("sQk=", &format!("sQkA\r\n{}", "AAAA\r\n".repeat(2_000)));
    let headline = Digest::without_words(packed.as_bytes(), now()).headline;
    assert_eq!(headline, Digest::of(packed.as_bytes(), now()).headline);
    assert_eq!(headline.preview, "The plan for the move is attached.");
}

/// Returns the mails of the whole corpus where it is at hand, and of our own copies.
fn corpus() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["tests/mails", "../shared/corpus"] {
        mails_in(&here.join(folder), &mut found);
    }
    found.sort();
    found
}

/// When the mails arrive.
fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("a moment")
}

/// A file's part, and its place in there if it is packed.
fn part_of(place: Place) -> String {
    let packed = place
        .packed
        .map_or(String::new(), |packed| format!(".{}", packed + 1));
    format!("{}{packed}", place.part)
}

fn mails_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.extension().and_then(|ending| ending.to_str()) {
            _ if path.is_dir() => mails_in(&path, found),
            Some("eml" | "mbox") => found.push(path),
            _ => {}
        }
    }
}

fn is_harmless(raw: &[u8], name: &str) {
    let notice = Notice::parse(raw);
    for width in [30, 80, 96] {
        for line in notice.lines(width, Options::default()) {
            let line: String = line.runs.iter().map(|run| run.text.as_str()).collect();
            assert!(
                !line.contains(char::is_control),
                "{name}: a control character in {line:?}"
            );
            assert!(
                text::width(&line) <= usize::from(width),
                "{name}: wider than {width}: {line:?}"
            );
        }
    }
    let digest = Digest::of(raw, arrived());
    assert!(
        !digest.headline.subject.contains(char::is_control),
        "{name}"
    );
    assert_eq!(
        digest.headline.handle,
        Headline::of_headers(raw, arrived()).handle,
        "{name}"
    );
}

/// Returns a mail as a person sees it: the headers, the text, the files.
fn shown(raw: &[u8], width: u16) -> String {
    let notice = Notice::parse(raw);
    let headline = Headline::parse(raw, arrived());
    let mut page = String::new();
    let list = |people: &[tidings::notice::Address]| {
        people
            .iter()
            .map(|person| format!("{} <{}>", person.name, person.address))
            .collect::<Vec<_>>()
            .join(", ")
    };
    writeln!(page, "Subject  {}", notice.subject).expect("a string takes all");
    writeln!(page, "From     {}", list(&notice.from)).expect("a string takes all");
    writeln!(page, "To       {}", list(&notice.to)).expect("a string takes all");
    for fact in &notice.facts {
        let words = fact.words(arrived(), &jiff::tz::TimeZone::UTC);
        writeln!(page, "Fact     {words}").expect("a string takes all");
    }
    writeln!(
        page,
        "Date     {} {}{}",
        headline.date,
        notice
            .offset
            .map_or("-".into(), |offset| offset.to_string()),
        if headline.date_guessed {
            " guessed"
        } else {
            ""
        }
    )
    .expect("a string takes all");
    writeln!(page, "Preview  {}", headline.preview).expect("a string takes all");
    writeln!(page, "{}", "-".repeat(usize::from(width))).expect("a string takes all");
    for line in notice.lines(width, Options::default()) {
        let line: String = line.runs.iter().map(|run| run.text.as_str()).collect();
        writeln!(page, "{}", line.trim_end()).expect("a string takes all");
    }
    for file in &notice.files {
        writeln!(
            page,
            "File {}  {}  {}  {}{}",
            part_of(file.place),
            file.name,
            file.kind(),
            file.size_text(),
            if file.inline { "  inline" } else { "" }
        )
        .expect("a string takes all");
    }
    page
}

fn arrived() -> Timestamp {
    "2026-11-23T14:05:00Z".parse().expect("a time")
}

/// Says what a first check and an opening cost. It asserts nothing: machines differ.
#[test]
#[ignore = "measures: TIDINGS_MAILDIR=folder cargo test --release -- --ignored --nocapture what_a_mail_costs"]
fn what_a_mail_costs() {
    let folder =
        PathBuf::from(std::env::var_os("TIDINGS_MAILDIR").expect("TIDINGS_MAILDIR names a folder"));
    let mails: Vec<Vec<u8>> = fs::read_dir(folder)
        .expect("the folder can be read")
        .flatten()
        .map(|entry| fs::read(entry.path()).expect("a mail can be read"))
        .collect();
    let octets: usize = mails.iter().map(Vec::len).sum();
    let only = std::env::var("TIDINGS_ONLY").unwrap_or_default();
    let each = |name: &str, work: &dyn Fn(&[u8])| {
        if !name.starts_with(&only) {
            return;
        }
        let begun = std::time::Instant::now();
        mails.iter().for_each(|mail| work(mail));
        let micros = begun.elapsed().as_secs_f64() * 1e6 / mails.len() as f64;
        let mean = octets / mails.len();
        writeln!(
            std::io::stdout(),
            "{name:12} {micros:8.1} us a mail of {mean} octets"
        )
        .expect("standard output is open");
    };
    each("digest", &|raw| {
        drop(std::hint::black_box(Digest::of(raw, arrived())))
    });
    each("fingerprint", &|raw| {
        _ = std::hint::black_box(Fingerprint::of(raw))
    });
    each("bounded", &|raw| {
        drop(std::hint::black_box(tidings::notice::limits::bounded(raw)))
    });
    each("parse", &|raw| {
        drop(std::hint::black_box(Notice::parse(raw)))
    });
    each("lines", &|raw| {
        drop(std::hint::black_box(
            Notice::parse(raw).lines(80, Options::default()),
        ))
    });
}

#[test]
fn files_that_are_packed_into_a_part_can_be_had() {
    for (mail, name, begins) in [
        ("winmail", "Umzugsplan November.txt", "Monday: boxes\r\n"),
        ("uuencode", "hosts.csv", "host,window\nbuild-01"),
    ] {
        let path = format!("{}/tests/mails/own/{mail}.eml", env!("CARGO_MANIFEST_DIR"));
        let raw = fs::read(path).expect("a mail of ours");

        let notice = Notice::parse(&raw);
        let file = notice.files.first().expect("a file");
        let bytes = files::bytes(&raw, file.place).expect("its bytes");

        assert_eq!(file.name, name);
        assert_eq!(file.size, bytes.len() as u64);
        assert!(bytes.starts_with(begins.as_bytes()));
    }
}

#[test]
fn a_mail_in_a_mail_is_saved_as_it_came_whatever_makes_it_readable_here() {
    let inner = b"Subject: =?iso-8859-1?q?caf=C3=A9?= =?iso-8859-1?q?_two?=\r\nX-Old: Gr\xfc\xdfe\r\n\r\ninner\r\n";
    let head = b"From somebody Mon Nov 23 10:00:00 2026\r\nSubject: K\xf6ln\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; name=\"=?utf-8?q?x y?=\"\r\n\r\ntext\r\n";
    let open = b"--a\r\nContent-Type: message/rfc822\r\n\r\n";
    let rest = b"\r\n--a--\r\n";
    let raw = [&head[..], open, inner, rest].concat();

    let notice = Notice::parse(&raw);

    assert_eq!(notice.subject.as_str(), "Köln");
    let file = notice.files.last().expect("the mail within");
    assert_eq!(file.content_type.as_str(), "message/rfc822");
    let saved = files::bytes(&raw, file.place).expect("its octets");
    assert_eq!(saved, inner);
    assert_eq!(file.size, inner.len() as u64);
    assert_eq!(Notice::parse(&saved).subject.as_str(), "café two");
}
