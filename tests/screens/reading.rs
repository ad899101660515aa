//! The reader, marks, and what can be got out of a notice.

use std::sync::Arc;

use image::{Rgb, RgbImage};
use tidings::{
    config::MarkRead,
    notice::{Line, MailboxIndex, Notice, NoticeId, Run, Style, TextForm, shown::Shown},
    tui::{
        Purpose,
        effect::{Change, Effect, Timer, Wanted},
        event::Event,
        picture::Placed,
    },
};

use super::{Screen, settings};
use crate::support::screen::halfblocks;

#[test]
fn enter_opens_and_q_goes_back_and_only_then_quits() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>");
    assert!(screen.text().contains("From  Priya Natarajan"));

    screen.press("q");
    assert!(!screen.text().contains("From  Priya Natarajan"));
    assert_eq!(screen.asked().last().map(is_quit), Some(false));

    screen.press("q");
    assert_eq!(screen.asked(), [Effect::Quit]);
}

#[test]
fn the_list_is_found_again_as_it_was_left() {
    let mut screen = Screen::team((80, 24));
    screen.press("jjjjjjj");
    let before = screen.text();

    screen.press("<enter>q");

    assert_eq!(screen.text(), before);
}

#[test]
fn esc_never_quits() {
    let mut screen = Screen::team((80, 24));

    screen.press("<esc><esc><esc>");

    assert_eq!(screen.asked(), []);
}

#[test]
fn an_opened_notice_counts_as_read_at_once() {
    let mut screen = Screen::team((80, 24));

    screen.press("<enter>");

    assert_eq!(screen.asked(), [mark(1, read(true))]);
}

#[test]
fn a_previewed_notice_counts_as_read_after_a_while() {
    let mut screen = Screen::team((120, 36));
    assert_eq!(screen.asked(), []);

    screen.wake(Timer::MarkRead);

    assert_eq!(screen.asked(), [mark(1, read(true))]);
}

#[test]
fn nothing_counts_as_read_by_itself_if_the_settings_say_so() {
    let mut settings = settings();
    settings.mark_read = MarkRead::Never;
    let mut screen = Screen::starting(&settings, Purpose::Read(MailboxIndex(0)), (80, 24));
    screen.open_the_team();

    screen.press("<enter><space>");

    assert_eq!(screen.asked(), []);
}

#[test]
fn marked_unread_while_it_is_read_it_stays_unread() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>");

    screen.press("u<space>");

    assert!(screen.line(0).contains("notices 3"));
}

#[test]
fn space_reads_everything_page_by_page_and_notice_by_notice() {
    let mut screen = Screen::team((80, 24));

    screen.press("<space>");
    assert!(screen.text().contains("The maintenance window"));
    screen.press("<space><space>");
    assert!(screen.text().contains("Yes, they are held until 23:45."));
}

#[test]
fn scrolling_stops_at_the_end_and_names_the_next_key() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>G");

    screen.press("j");

    assert_eq!(screen.status(), " end of the notice · J next notice");
}

#[test]
fn the_reader_goes_on_to_the_next_notice() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>");

    screen.press("J");

    assert!(screen.text().contains("Will nightly releases wait?"));
    assert!(screen.status().starts_with(" 2 of 128"));
}

#[test]
fn a_withdrawn_notice_has_a_banner() {
    let mut screen = Screen::team((80, 24));
    screen.press("jjjjjjjj");

    screen.press("<enter>");

    let banner = "   No longer on the server since 09:12. This is your saved copy.";
    assert!(screen.text().contains(banner));
}

#[test]
fn all_can_be_marked_read_and_that_undone() {
    let mut screen = Screen::team((80, 24));
    screen.press("A");
    assert_eq!(screen.status(), " 3 notices marked read · U undo");

    screen.press("U");

    assert!(screen.line(0).contains("notices 3"));
    let asked = screen.asked();
    let undone = Effect::Mark {
        mailbox: MailboxIndex(0),
        ids: vec![NoticeId(1), NoticeId(3), NoticeId(4)],
        change: read(false),
    };
    assert!(matches!(&asked[..], [Effect::Mark { .. }, last] if same(last, &undone)));
}

#[test]
fn a_star_is_set_and_taken_back() {
    let mut screen = Screen::team((80, 24));

    screen.press("s");
    assert!(screen.selected().starts_with(">!●★"));

    screen.press("U");
    assert!(screen.selected().starts_with(">!● "));
}

#[test]
fn muting_mutes_the_whole_thread() {
    let mut screen = Screen::team((80, 24));

    screen.press("M");

    let asked = screen.asked();
    let Some(Effect::Mark { ids, change, .. }) = asked.first() else {
        panic!("the thread is muted: {asked:?}");
    };
    assert_eq!((ids.len(), change.muted), (3, Some(true)));
}

#[test]
fn delete_keys_say_the_promise() {
    let mut screen = Screen::team((80, 24));

    for key in ["d", "#", "e", "<del>"] {
        screen.press(key);
        let promise = " nothing is deleted in tidings: M mutes, f hides";
        assert_eq!(screen.status(), promise, "{key}");
    }
    assert_eq!(screen.asked(), []);
}

#[test]
fn the_address_that_is_shown_is_the_one_that_is_opened() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>o");
    screen.asked();

    screen.press("<enter>");

    let asked = screen.asked();
    let Some(Effect::OpenLink { target }) = asked.first() else {
        panic!("a link is opened: {asked:?}");
    };
    assert_eq!(*target, "https://status.team.example/incidents/2026-118");
}

#[test]
fn a_file_is_opened_after_one_question_for_its_type() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>v");
    screen.asked();

    screen.press("<enter>");
    assert!(screen.text().contains("Open with the system's program?"));
    assert_eq!(screen.asked(), []);
    screen.press("<enter>");
    assert!(matches!(screen.asked()[..], [Effect::OpenFile { .. }]));

    screen.press("v<enter>");
    assert!(matches!(screen.asked()[..], [Effect::OpenFile { .. }]));
}

#[test]
fn a_file_is_saved_from_the_overlay() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>v");
    screen.asked();

    screen.press("w");

    assert!(matches!(&screen.asked()[..], [Effect::SaveFiles { ways, .. }] if ways.len() == 1));
}

/// A mail in two forms, and what its headers say of it.
const TWO_FORMS: &str = "From: \"ana@team.example\" <ana@elsewhere.example>\nSubject: Lunch\n\
    Expires: Tue, 24 Nov 2026 18:00:00 +0000\nMIME-Version: 1.0\n\
    Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n\
    The menu of the week as plain text: soup, and whatever else there is left.\n\
    --b\nContent-Type: text/html\n\n<h1>Menu</h1><ul><li>Soup of the week</ul>\n--b--\n";

/// The team's mailbox, in which each notice has this mail.
fn two_forms() -> Screen {
    let mut screen = Screen::team((80, 24));
    for id in 1..=100 {
        screen.replace(NoticeId(id), TWO_FORMS);
    }
    screen
}

#[test]
fn the_other_form_of_a_text_is_a_key_away() {
    let mut screen = two_forms();

    screen.press("<enter>");
    let plain = screen.text();
    screen.press("H");
    let html = screen.text();
    screen.press("y<enter>|cat<enter>");
    let asked = screen.asked();
    screen.press("H");

    assert!(
        plain.contains("The menu of the week as plain text"),
        "{plain}"
    );
    assert!(html.contains("Soup of the week"), "{html}");
    assert!(!html.contains("as plain text"), "{html}");
    assert!(screen.text().contains("The menu of the week as plain text"));
    // What is copied and piped is what was seen.
    let is_other = |effect: &Effect| match effect {
        Effect::CopyNotice(wanted) | Effect::Pipe { wanted, .. } => wanted.form == TextForm::Other,
        _ => false,
    };
    assert_eq!(
        asked.iter().filter(|effect| is_other(effect)).count(),
        2,
        "{asked:?}"
    );
}

#[test]
fn what_headers_say_stands_above_the_text() {
    let mut screen = two_forms();

    screen.press("<enter>");

    let text = screen.text();
    assert!(
        text.contains("! The sender's name says ana@team.example"),
        "{text}"
    );
    assert!(text.contains("Expires Tue 24 Nov 18:00"), "{text}");
}

#[test]
fn a_text_can_be_copied_as_a_quotation() {
    let mut screen = two_forms();
    screen.press("<enter>");
    screen.asked();

    screen.press("yjj<enter>");

    let asked = screen.asked();
    let [Effect::Copy { text }] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert!(
        text.contains("wrote:\n> The menu of the week as plain text"),
        "{text}"
    );
}

#[test]
fn a_text_of_one_form_has_no_other() {
    let mut screen = Screen::team((80, 24));

    screen.press("<enter>H");

    assert!(screen.text().contains("its text has one form only"));
}

#[test]
fn links_and_files_can_be_had_from_the_list() {
    let mut screen = Screen::team((80, 24));

    screen.press("v");

    assert!(screen.text().contains("Links and files"));
    assert!(
        !screen
            .asked()
            .iter()
            .any(|effect| matches!(effect, Effect::Mark { .. }))
    );
    screen.press("<esc>");
    assert!(!screen.text().contains("From  Priya Natarajan"));
    screen.press("jo");
    assert!(
        screen
            .text()
            .contains("no links and no files in this notice")
    );
}

#[test]
fn a_notice_that_could_not_be_read_is_asked_for_again() {
    let mut screen = Screen::team((80, 24));
    let mails = std::mem::take(&mut screen.mails);
    screen.press("<enter>");
    screen.cannot_open("the disk is gone");
    screen.press("<esc>");

    screen.mails = mails;
    screen.press("<enter>");

    assert!(screen.text().contains("From  Priya Natarajan"));
}

#[test]
fn what_was_asked_of_a_notice_that_could_not_be_read_is_not_done_later() {
    let mut screen = Screen::team((80, 24));
    let mails = std::mem::take(&mut screen.mails);
    screen.press("v");
    screen.cannot_open("the disk is gone");

    screen.mails = mails;
    screen.press("<enter>");

    assert!(screen.text().contains("From  Priya Natarajan"));
    assert!(!screen.text().contains("Links and files"));
}

#[test]
fn of_a_long_host_that_a_link_hides_the_end_is_seen() {
    let mut screen = Screen::team((80, 24));
    screen.replace(
        NoticeId(1),
        "From: HR <hr@team.example>\nSubject: Sign in\nMIME-Version: 1.0\nContent-Type: text/html\n\n\
         <a href='https://team.example.login.of.everybody.evil-host.example/x'>https://team.example/</a>\n",
    );

    screen.press("g<enter>o");

    let text = screen.text();
    assert!(text.contains("evil-host.example │"), "{text}");
}

#[test]
fn the_id_and_the_links_can_be_copied() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>y");
    assert!(screen.text().contains("Message-ID"));
    screen.asked();

    screen.press("j<enter>");

    let text = "k001".to_owned();
    assert_eq!(screen.asked(), [Effect::Copy { text }]);

    let mail = "Subject: x\r\nMessage-ID: <a.1@team.example>\r\n\r\nhttps://team.example/a and mailto:tom@team.example\r\n";
    let notice = Arc::new(Notice::parse(mail.as_bytes()));
    let mut screen = Screen::team((80, 24));
    for opened in screen.mails.values_mut() {
        *opened = notice.clone();
    }
    screen.press("<enter>");
    for (keys, copied) in [
        ("yjjj<enter>", "a.1@team.example"),
        ("yjjjj<enter>", "https://team.example/a"),
        ("yjjjjj<enter>", "mailto:tom@team.example"),
    ] {
        screen.asked();
        screen.press(keys);
        let text = copied.to_owned();
        assert_eq!(screen.asked(), [Effect::Copy { text }], "{keys}");
    }
}

#[test]
fn a_command_to_pipe_into_is_split_into_words() {
    let mut screen = Screen::team((80, 24));

    screen.press("|grep -i 'two words'<enter>");

    let asked = screen.asked();
    let Some(Effect::Pipe { command, .. }) = asked.first() else {
        panic!("the text is piped: {asked:?}");
    };
    assert_eq!(command[..], ["grep", "-i", "two words"]);
}

#[test]
fn a_reply_is_handed_to_the_mail_program() {
    let mut screen = Screen::team((80, 24));

    screen.press("R");

    let asked = screen.asked();
    let Some(Effect::OpenLink { target }) = asked.first() else {
        panic!("the mail program is asked: {asked:?}");
    };
    assert!(target.starts_with("mailto:priya@team.example?subject=Re%3A%20Build%20cluster"));
}

#[test]
fn the_text_is_laid_out_again_for_another_width() {
    let mut screen = Screen::team((120, 36));

    screen.happens(Event::Resized {
        columns: 140,
        rows: 36,
    });

    assert!(screen.text().contains("closes at 23:30 UTC."));
}

#[test]
fn notices_go_to_the_title() {
    let mut screen = Screen::team((80, 24));
    let title = |screen: &mut Screen| {
        let effects = std::mem::take(&mut screen.effects);
        effects.into_iter().rev().find_map(|effect| match effect {
            Effect::SetTitle(title) => Some(title),
            _ => None,
        })
    };
    assert_eq!(title(&mut screen).as_deref(), Some("(3) notices"));

    screen.press("A");

    assert_eq!(title(&mut screen).as_deref(), Some("notices"));
}

fn mark(id: i64, change: Change) -> Effect {
    Effect::Mark {
        mailbox: MailboxIndex(0),
        ids: vec![NoticeId(id)],
        change,
    }
}

fn read(read: bool) -> Change {
    Change {
        read: Some(read),
        ..Change::default()
    }
}

fn is_quit(effect: &Effect) -> bool {
    *effect == Effect::Quit
}

/// True if both are marks of the same kind on the same notices, in whatever order.
fn same(one: &Effect, other: &Effect) -> bool {
    let sorted = |effect: &Effect| match effect {
        Effect::Mark { ids, change, .. } => {
            let mut ids = ids.clone();
            ids.sort();
            Some((ids, *change))
        }
        _ => None,
    };
    sorted(one) == sorted(other)
}

#[test]
fn a_link_that_cannot_be_saved_leaves_the_overlay_open() {
    let mut screen = Screen::team((80, 24));
    screen.press("<enter>o");

    screen.press("w");

    assert!(screen.text().contains("Esc close"), "{}", screen.text());
    assert!(screen.status().contains("a link can be opened or copied"));
}

/// A screen whose first notice has this text.
fn reading(text: &str) -> Screen {
    let mut screen = Screen::team((80, 24));
    screen.replace(
        NoticeId(1),
        &format!("Subject: Build cluster\r\nIn-Reply-To: <0@team.example>\r\n\r\n{text}"),
    );
    screen.press("g<enter>");
    screen
}

#[test]
fn a_long_quotation_below_an_answer_is_folded_until_it_is_asked_for() {
    let quoted: String = (1..=12).map(|n| format!("> quoted {n}\r\n")).collect();
    let mut screen = reading(&format!(
        "Yes, at ten.\r\n\r\nOn Monday, Tom wrote:\r\n{quoted}"
    ));

    assert!(
        screen.text().contains("▸ 12 quoted lines"),
        "{}",
        screen.text()
    );
    assert!(
        screen.text().contains("On Monday, Tom wrote:"),
        "{}",
        screen.text()
    );
    assert!(!screen.text().contains("quoted 1\n"), "{}", screen.text());

    screen.press("z");
    assert!(screen.text().contains("> quoted 1"), "{}", screen.text());
    screen.press("z");
    assert!(
        screen.text().contains("▸ 12 quoted lines"),
        "{}",
        screen.text()
    );
}

#[test]
fn what_is_answered_line_by_line_and_what_is_all_quoted_is_shown() {
    let quoted: String = (1..=12).map(|n| format!("> quoted {n}\r\n")).collect();

    let between = reading(&format!("{quoted}\r\nYes.\r\n"));
    assert!(between.text().contains("> quoted 1"), "{}", between.text());

    let passed_on = reading(&quoted);
    assert!(
        passed_on.text().contains("> quoted 1"),
        "{}",
        passed_on.text()
    );

    let short = reading("Yes.\r\n\r\n> at ten?\r\n");
    assert!(short.text().contains("> at ten?"), "{}", short.text());

    let mut plain = reading("Yes.\r\n");
    plain.press("z");
    assert!(
        plain.status().contains("nothing is quoted"),
        "{}",
        plain.status()
    );
}

#[test]
fn the_mail_below_an_answer_is_folded_though_it_has_no_marks() {
    let screen = reading(
        "Ja, um zehn.\r\n\r\n-----Ursprüngliche Nachricht-----\r\nVon: Tom\r\nGesendet: Montag\r\n\
         An: alle\r\nBetreff: Probe\r\n\r\nWann?\r\n\r\nTom\r\n",
    );

    assert!(
        screen.text().contains("▸ 10 quoted lines"),
        "{}",
        screen.text()
    );
}

/// A notice with a table, a picture, and a mail in it that has a log.
const WITH_FILES: &str = "From: Priya <priya@team.example>\nSubject: Build cluster\nMIME-Version: 1.0\n\
    Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee below.\n\
    --b\nContent-Type: text/csv; name=hosts.csv\n\nhost,owner\nbuild-01,Priya\nbuild-02,Tom\n\
    --b\nContent-Type: image/png; name=map.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgoAAAANSUhEUgAAACgAAAAoCAIAAAADnC86AAAANUlEQVR42u3WwQkAAAgDse6/tO4giAiB/gP3aio5WcBgMHgMiw0Gg//BQoPBYJ9LbDAYvL4GcNs6G5AzGHkAAAAASUVORK5CYII=\n\
    --b\nContent-Type: message/rfc822\n\nFrom: Tom <tom@team.example>\nSubject: What went wrong\n\
    MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nThe log says it.\n\
    --c\nContent-Type: text/plain; name=build.log\n\n12:00 INFO begins\n12:01 ERROR disk full\n--c--\n\
    --b--\n";

fn with_files() -> Screen {
    let mut screen = Screen::team((80, 24));
    screen.replace(NoticeId(1), WITH_FILES);
    screen.press("g<enter>");
    screen
}

#[test]
fn a_table_is_shown_in_the_reader_and_one_goes_back_to_the_notice() {
    let mut screen = with_files();

    screen.press("v<enter>");
    insta::with_settings!({ snapshot_path => ".", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("inside_80x24", screen.picture());
    });
    assert!(
        !screen
            .asked()
            .iter()
            .any(|effect| matches!(effect, Effect::OpenFile { .. }))
    );

    screen.press("q");
    assert!(screen.text().contains("See below."), "{}", screen.text());
    screen.press("q");
    assert!(!screen.text().contains("See below."), "{}", screen.text());
}

#[test]
fn a_mail_in_the_mail_is_read_with_its_own_files() {
    let mut screen = with_files();

    screen.press("v<down><down><enter>");
    assert!(
        screen.text().contains("What went wrong"),
        "{}",
        screen.text()
    );
    assert!(
        screen.text().contains("The log says it."),
        "{}",
        screen.text()
    );

    screen.press("v<enter>");
    assert!(
        screen.text().contains("12:01 ERROR disk full"),
        "{}",
        screen.text()
    );

    screen.press("q");
    assert!(
        screen.text().contains("The log says it."),
        "{}",
        screen.text()
    );
    // What is saved from there is the mail's own.
    screen.asked();
    screen.press("vw");
    let asked = screen.asked();
    let [Effect::SaveFiles { ways, .. }] = &asked[..] else {
        panic!("{asked:?}");
    };
    let (file, bytes) = ways[0].file(WITH_FILES.as_bytes()).expect("the file");
    assert_eq!(&*file.name, "build.log");
    assert!(bytes.starts_with(b"12:00 INFO"), "{bytes:?}");
}

#[test]
fn what_cannot_be_shown_here_and_what_is_wanted_outside_is_for_the_systems_program() {
    let mut screen = with_files();

    screen.press("v<down>O");
    assert!(
        screen.text().contains("Open with the system's program?"),
        "{}",
        screen.text()
    );
    screen.press("<esc>vO");
    assert!(
        screen.text().contains("hosts.csv and other CSV files"),
        "{}",
        screen.text()
    );
    screen.press("<enter>");
    assert!(
        screen
            .asked()
            .iter()
            .any(|effect| matches!(effect, Effect::OpenFile { .. }))
    );
}

#[test]
fn a_picture_is_shown_in_the_reader() {
    let mut screen = with_files();

    screen.press("i");
    insta::with_settings!({ snapshot_path => ".", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("picture_80x24", screen.picture());
    });
    let by_program = |effect: &Effect| matches!(effect, Effect::OpenFile { .. });
    assert!(!screen.asked().iter().any(by_program));

    screen.press("q");
    assert!(screen.text().contains("See below."), "{}", screen.text());
}

/// How many cells of the screen a picture takes.
fn cells(screen: &Screen) -> usize {
    screen
        .text()
        .chars()
        .filter(|c| matches!(c, '▀' | '▄'))
        .count()
}

#[test]
fn a_picture_makes_way_for_what_is_drawn_over_it() {
    let mut screen = with_files();
    screen.press("i");
    let shown = cells(&screen);
    assert!(shown > 0, "{}", screen.text());

    screen.press("?");
    assert_eq!(cells(&screen), 0, "{}", screen.text());

    screen.press("<esc>");
    assert_eq!(cells(&screen), shown);
}

/// What is opened with these keys; it does not come.
fn pending(screen: &mut Screen, keys: &str) -> Wanted {
    let mails = std::mem::take(&mut screen.mails);
    let raw = std::mem::take(&mut screen.raw);
    screen.press(keys);
    (screen.mails, screen.raw) = (mails, raw);
    let mut asked = screen.asked().into_iter();
    let wanted = asked.find_map(|effect| match effect {
        Effect::Open(wanted) => Some(wanted),
        _ => None,
    });
    wanted.expect("something is opened")
}

#[test]
fn reading_on_stops_before_a_picture_that_is_cut_and_its_rows_are_drawn_as_far_as_they_are_there() {
    let mut screen = Screen::team((80, 24));
    let wanted = pending(&mut screen, "g<enter>");
    let image = RgbImage::from_fn(400, 160, |x, y| Rgb([x as u8, y as u8, 9]));
    let picture = halfblocks(&image.into(), (40, 8));
    let mut lines = vec![Line::default(); 60];
    lines[9].runs.push(Run {
        text: Shown::from_static("map.png"),
        style: Style::Muted,
        link: None,
    });
    screen.happens(Event::Opened {
        wanted,
        notice: Arc::new(Notice::parse(b"Subject: Map\r\n\r\nSee below.\r\n")),
        lines: lines.into(),
        pictures: vec![Placed { line: 10, picture }],
    });
    let cut_below = cells(&screen);

    screen.press("<space>");
    let whole = cells(&screen);
    assert!(screen.text().contains("map.png"), "{}", screen.text());
    // Its name goes first, then two of its eight rows.
    screen.press("<down><down><down>");
    let cut_above = cells(&screen);

    assert_eq!(cut_above * 8, whole * 6, "{}", screen.text());
    assert!(cut_below > 0 && cut_below < whole, "{cut_below} {whole}");
}

#[test]
fn what_fails_beside_it_takes_nothing_from_the_reader() {
    let mut screen = with_files();
    let wanted = pending(&mut screen, "v<enter>");

    screen.happens(Event::Failed {
        what: Shown::from_static("cannot open the link"),
        why: Shown::from_static("no browser"),
        next: Shown::default(),
    });
    let table = Notice::parse(b"Subject: hosts.csv\r\n\r\nbuild-01\r\n");
    screen.happens(Event::Opened {
        wanted,
        lines: table.lines(wanted.width, Default::default()).into(),
        notice: Arc::new(table),
        pictures: Vec::new(),
    });

    assert!(screen.text().contains("build-01"), "{}", screen.text());
}

#[test]
fn a_picture_that_cannot_be_shown_leaves_the_files_what_they_are() {
    let broken = WITH_FILES.replacen("iVBORw0KGgo", "iVBORw0KGgp", 1);
    let mut screen = Screen::team((80, 24));
    screen.replace(NoticeId(1), &broken);
    screen.press("g<enter>i");
    assert!(screen.text().contains("See below."), "{}", screen.text());
    assert!(
        screen.text().contains("it cannot be decoded"),
        "{}",
        screen.text()
    );

    screen.asked();
    screen.press("vw");

    let asked = screen.asked();
    let [Effect::SaveFiles { ways, .. }] = &asked[..] else {
        panic!("{asked:?}");
    };
    let (file, _) = ways[0]
        .file(broken.as_bytes())
        .expect("a file of the notice");
    assert_eq!(&*file.name, "hosts.csv");
}
