//! Which message is which notice, where a server's unique-ids say too little: nothing is lost, nothing comes twice, no
//! mark is lost.

use tidings::{
    notice::Headline,
    poll::report::{Report, Summary},
    pop3::listing::UniqueId,
    store::marks::Change,
};

use crate::support::{
    mailbox::Reader,
    quirks::{
        Odd,
        Quirk::{self, *},
    },
};

async fn rest(odd: &Odd) {
    while !odd.is_free() {
        tokio::task::yield_now().await;
    }
}

/// Some checks one behind the other; how many notices they brought, and how many they took for withdrawn.
async fn checks(odd: &Odd, reader: &Reader, count: usize) -> (u32, u32) {
    let mut sums = (0, 0);
    for _ in 0..count {
        let summary = check(odd, reader).await;
        sums = (sums.0 + summary.new, sums.1 + summary.withdrawn);
    }
    sums
}

async fn check(odd: &Odd, reader: &Reader) -> Summary {
    rest(odd).await;
    let (summary, _) = reader.check().await;
    assert!(summary.outcome.is_done(), "{:?}", summary.outcome);
    summary
}

/// The subjects of what is there, in their order, and of what has left.
fn kept(reader: &Reader) -> (Vec<String>, Vec<String>) {
    let mut headlines = reader.headlines();
    headlines.sort_by_key(|headline| headline.subject.clone());
    let (gone, there): (Vec<_>, Vec<_>) = headlines
        .iter()
        .partition(|headline| headline.fate.withdrawn.is_some());
    let subjects = |headlines: Vec<&Headline>| {
        let subjects = headlines.iter();
        subjects
            .map(|headline| headline.subject.trim_start_matches("Notice ").to_owned())
            .collect()
    };
    (subjects(there), subjects(gone))
}

fn star_all(reader: &Reader) {
    let headlines = reader.headlines();
    let ids: Vec<_> = headlines.iter().map(|headline| headline.id).collect();
    let starred = reader.store.mark(&ids, Change::Starred(true));
    starred.expect("marks");
}

fn words(subjects: &[&str]) -> Vec<String> {
    subjects
        .iter()
        .map(|subject| (*subject).to_owned())
        .collect()
}

async fn with(quirks: &[Quirk], mails: &[(&str, &str, &str)]) -> (Odd, Reader) {
    let odd = Odd::start(quirks).await;
    odd.hold(mails);
    let reader = Reader::of(odd.port);
    (odd, reader)
}

#[tokio::test]
async fn message_numbers_for_ids_lose_nothing_where_all_mails_have_one_size() {
    for quirks in [
        &[NumberIds][..],
        &[NumberIds, Pipelines],
        &[NumberIds, NoTop],
    ] {
        let text = "text\n";
        let (odd, reader) =
            with(quirks, &[("", "A", text), ("", "B", text), ("", "C", text)]).await;
        assert_eq!(checks(&odd, &reader, 3).await, (3, 0));

        // One has left and one has come: three numbers and three sizes, as before.
        odd.hold(&[("", "B", text), ("", "C", text), ("", "D", text)]);
        checks(&odd, &reader, 5).await;

        let expected = (words(&["B", "C", "D"]), words(&["A"]));
        assert_eq!(kept(&reader), expected, "{quirks:?}");

        // From now on headers tell, even where all are others.
        odd.hold(&[("", "E", text)]);
        checks(&odd, &reader, 5).await;
        let expected = (words(&["E"]), words(&["A", "B", "C", "D"]));
        assert_eq!(kept(&reader), expected, "{quirks:?}");
    }
}

#[tokio::test]
async fn message_numbers_for_ids_of_which_one_has_left_while_two_came() {
    let text = "text\n";
    let (odd, reader) = with(&[NumberIds, Pipelines], &[("", "A", text), ("", "B", text)]).await;
    checks(&odd, &reader, 2).await;

    odd.hold(&[("", "B", text), ("", "C", text), ("", "D", text)]);
    checks(&odd, &reader, 5).await;

    assert_eq!(kept(&reader), (words(&["B", "C", "D"]), words(&["A"])));
}

#[tokio::test]
async fn message_numbers_for_ids_cost_a_look_at_one_message_a_check() {
    let mails: Vec<String> = (10..40).map(|number| number.to_string()).collect();
    let mails: Vec<_> = mails
        .iter()
        .map(|mail| ("", mail.as_str(), "text\n"))
        .collect();
    let (odd, reader) = with(&[NumberIds, Pipelines], &mails).await;
    checks(&odd, &reader, 1).await;

    let before = odd.fetched();
    checks(&odd, &reader, 3).await;

    assert_eq!(odd.fetched() - before, 3);
}

#[tokio::test]
async fn one_of_two_messages_of_one_id_leaves_and_another_comes_under_it() {
    for quirks in [&[][..], &[Pipelines]] {
        let text = "text\n";
        let (odd, reader) = with(
            quirks,
            &[("x", "A", text), ("x", "B", text), ("k", "K", text)],
        )
        .await;
        checks(&odd, &reader, 2).await;

        odd.hold(&[("x", "B", text), ("k", "K", text)]);
        checks(&odd, &reader, 5).await;
        assert_eq!(
            kept(&reader),
            (words(&["B", "K"]), words(&["A"])),
            "{quirks:?}"
        );

        odd.hold(&[("x", "B", text), ("k", "K", text), ("x", "C", text)]);
        checks(&odd, &reader, 2).await;
        let expected = (words(&["B", "C", "K"]), words(&["A"]));
        assert_eq!(kept(&reader), expected, "{quirks:?}");
    }
}

#[tokio::test]
async fn a_mailbox_restored_under_the_ids_of_others_shows_nothing_twice_and_keeps_its_marks() {
    // Whole, and in the slices of those who share a maildrop.
    for in_slices in [false, true] {
        const MAILS: usize = 300;
        let names: Vec<[String; 3]> = (0..MAILS)
            .map(|mail| {
                // Two each are of one size, and what there is makes several slices.
                let lines = "line of text\n".repeat(mail % 150 + 200);
                [format!("id-{mail}"), format!("{mail:03}"), lines]
            })
            .collect();
        let held = |ids: &dyn Fn(usize) -> usize| -> Vec<(&str, &str, &str)> {
            let mails = 0..MAILS;
            mails
                .map(|mail| {
                    (
                        names[ids(mail)][0].as_str(),
                        names[mail][1].as_str(),
                        names[mail][2].as_str(),
                    )
                })
                .collect()
        };
        let (odd, mut reader) = with(&[Pipelines], &held(&|mail| mail)).await;
        checks(&odd, &reader, 1).await;
        reader.in_slices = in_slices;
        star_all(&reader);

        // Each is under another's id, and one is another mail.
        let mut mails = held(&|mail| match mail % 3 {
            // That of one of the same size.
            0 => (mail + 150) % MAILS,
            1 => mail + 1,
            _ => mail - 1,
        });
        mails[5].1 = "new";
        odd.hold(&mails);
        let (new, withdrawn) = checks(&odd, &reader, 12).await;

        assert_eq!((new, withdrawn), (1, 1), "in slices: {in_slices}");
        let (there, gone) = kept(&reader);
        assert_eq!((there.len(), gone), (MAILS, words(&["005"])));
        let stars = reader.headlines();
        let stars = stars.iter().filter(|headline| headline.marks.starred);
        assert_eq!(
            stars.count(),
            MAILS,
            "no star is lost, nor that of what has left"
        );
    }
}

#[tokio::test]
async fn three_notices_that_change_their_ids_among_themselves_stay_three() {
    let (short, long) = ("text\n", "a longer text\n");
    let (odd, reader) = with(
        &[],
        &[("1a", "A", short), ("2a", "B", long), ("3a", "C", short)],
    )
    .await;
    checks(&odd, &reader, 2).await;
    star_all(&reader);

    odd.hold(&[("1a", "C", short), ("2a", "A", short), ("3a", "B", long)]);

    assert_eq!(checks(&odd, &reader, 6).await, (0, 0));
    assert_eq!(kept(&reader), (words(&["A", "B", "C"]), words(&[])));
    let stars = reader.headlines();
    assert!(stars.iter().all(|headline| headline.marks.starred));
}

#[tokio::test]
async fn a_listing_that_is_cut_off_withdraws_nothing_at_once_where_stat_cannot_tell() {
    let text = "text\n";
    let all = [("a", "A", text), ("b", "B", text), ("c", "C", text)];
    let (odd, reader) = with(&[NoStat], &all).await;
    checks(&odd, &reader, 1).await;

    odd.hold(&all[..1]);
    assert_eq!(checks(&odd, &reader, 2).await, (0, 0));
    odd.hold(&all);
    assert_eq!(checks(&odd, &reader, 1).await, (0, 0));

    // What really has left is seen by three checks.
    odd.hold(&all[..2]);
    assert_eq!(checks(&odd, &reader, 3).await, (0, 1));
}

#[tokio::test]
async fn a_message_that_uidl_leaves_out_is_shown() {
    for quirks in [
        &[LeavesOut][..],
        &[LeavesOut, Pipelines],
        &[LeavesOut, NoTop],
    ] {
        let text = "text\n";
        let all = [("a", "A", text), ("b", "B", text), ("c", "C", text)];
        let (odd, reader) = with(quirks, &all).await;

        assert_eq!(checks(&odd, &reader, 3).await, (3, 0), "{quirks:?}");
        assert_eq!(kept(&reader), (words(&["A", "B", "C"]), words(&[])));

        // Another is left out now; it is the same all the same.
        odd.hold(&all[1..]);
        assert_eq!(checks(&odd, &reader, 4).await, (0, 1), "{quirks:?}");
        assert_eq!(kept(&reader), (words(&["B", "C"]), words(&["A"])));
    }
}

#[tokio::test]
async fn what_another_program_had_fetched_stays_known_until_all_of_it_was_listed() {
    let text = "text\n";
    let all = [("a", "A", text), ("b", "B", text), ("c", "C", text)];
    let (odd, reader) = with(&[OneRefused], &[("a", "1", text), ("b", "2", text)]).await;
    let ids = ["a", "b", "c"].map(|id| UniqueId::new(id.as_bytes()).expect("an id"));
    reader.store.import_seen(&ids).expect("an import");
    // One of them cannot be had just now.
    checks(&odd, &reader, 1).await;
    odd.hold(&all);
    checks(&odd, &reader, 1).await;

    let unread = reader.headlines();
    let unread = unread.iter().filter(|headline| !headline.marks.read);
    assert_eq!(unread.count(), 0);
}

#[tokio::test]
async fn two_hundred_and_fifty_equal_mails_are_recognised() {
    let names: Vec<String> = (0..500).map(|name| format!("id-{name}")).collect();
    let equal = |names: &[String]| -> Vec<(String, String, String)> {
        let mails = names.iter();
        mails
            .map(|name| (name.clone(), "bot".to_owned(), "text\n".to_owned()))
            .collect()
    };
    let borrowed =
        |mails: &[(String, String, String)]| -> Vec<(&'static str, &'static str, &'static str)> {
            let mails = mails.iter();
            mails
                .map(|(id, subject, text)| {
                    let leak = |text: &String| -> &'static str { text.clone().leak() };
                    (leak(id), leak(subject), leak(text))
                })
                .collect()
        };
    let (odd, reader) = with(&[Pipelines], &borrowed(&equal(&names[..250]))).await;
    checks(&odd, &reader, 1).await;

    odd.hold(&borrowed(&equal(&names[250..])));

    assert_eq!(checks(&odd, &reader, 5).await, (0, 0));
    assert_eq!(reader.headlines().len(), 250);
}

#[tokio::test]
async fn a_moved_server_has_each_message_fetched_once_also_if_that_is_broken_off() {
    const MAILS: u32 = 1_500;
    let odd = Odd::start(&[Pipelines]).await;
    odd.deliver(MAILS);
    let reader = Reader::of(odd.port);
    checks(&odd, &reader, 1).await;
    let before = odd.fetched();
    assert!(before >= MAILS, "all came");

    odd.move_away();
    rest(&odd).await;
    let cancelled = tokio_util::sync::CancellationToken::new();
    let breaks_off = {
        let cancelled = cancelled.clone();
        let already = before;
        let fetched = || odd.fetched();
        async move {
            while fetched() < already + 200 {
                tokio::task::yield_now().await;
            }
            cancelled.cancel();
        }
    };
    let ((broken_off, reports), ()) = tokio::join!(reader.check_until(&cancelled), breaks_off);
    let told = |report: &Report| matches!(report, Report::Arrived(_) | Report::Announced(_));
    assert!(!reports.iter().any(told), "nothing is told of as new");
    assert_eq!(broken_off.new, 0);
    let cut = odd.fetched() - before;
    assert!(cut < MAILS, "it was broken off in between: {cut}");

    assert_eq!(checks(&odd, &reader, 2).await, (0, 0));

    // What was under way at the break comes again, and nothing else.
    let all = odd.fetched() - before;
    assert!(
        all <= MAILS + cut,
        "{all} for {MAILS}, of which {cut} before the break"
    );
    assert_eq!(reader.headlines().len(), MAILS as usize);
}

/// So many mails, each of a text of its own, under unique-ids that begin so.
fn numbered(ids: &str, count: usize) -> Vec<(&'static str, &'static str, &'static str)> {
    let leak = |text: String| -> &'static str { text.leak() };
    let numbers = 0..count;
    numbers
        .map(|number| {
            let text = leak(format!("text of {number}\n"));
            (
                leak(format!("{ids}{number}")),
                leak(format!("{number:04}")),
                text,
            )
        })
        .collect()
}

#[tokio::test]
async fn after_a_move_headers_tell_what_is_kept_and_only_what_is_new_is_fetched() {
    let (odd, reader) = with(&[Pipelines], &numbered("old-", 300)).await;
    checks(&odd, &reader, 1).await;
    star_all(&reader);
    let before = (odd.fetched(), odd.fetched_whole());

    let mut mails = numbered("new-", 300);
    mails.push(("new-more", "more", "and one has come\n"));
    odd.hold(&mails);
    let summary = check(&odd, &reader).await;

    assert_eq!((summary.new, summary.withdrawn), (1, 0));
    let notes: Vec<_> = summary.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["server renumbered: 300 recognised"]);
    assert_eq!(odd.fetched_whole() - before.1, 1, "the new one");
    assert_eq!(
        odd.fetched() - before.0,
        302,
        "each once, the new one for its headers too"
    );
    assert_eq!(
        reader
            .headlines()
            .iter()
            .filter(|notice| notice.marks.starred)
            .count(),
        300
    );
    let before = odd.fetched();
    assert_eq!(checks(&odd, &reader, 3).await, (0, 0));
    assert_eq!(odd.fetched(), before, "nothing is asked for again");
}

#[tokio::test]
async fn after_a_move_another_text_under_the_same_headers_is_another_notice() {
    let (odd, reader) = with(&[Pipelines], &numbered("old-", 300)).await;
    checks(&odd, &reader, 1).await;

    let mut mails = numbered("new-", 300);
    // One of the same size beside the one that is kept, before and behind it, both far from it and next to it.
    mails.insert(0, ("early", "0250", "text of 25!\n"));
    mails.insert(12, ("next", "0010", "TEXT of 10\n"));
    mails.push(("late", "0005", "text of !\n"));
    // And one of another size in its place.
    mails[101] = ("longer", "0099", "text of 99, corrected\n");
    odd.hold(&mails);

    let summary = check(&odd, &reader).await;
    let (new, withdrawn) = checks(&odd, &reader, 4).await;

    assert_eq!((summary.new, new), (4, 0));
    assert_eq!(summary.withdrawn + withdrawn, 1, "99 as it was");
    let (there, gone) = kept(&reader);
    assert_eq!((there.len(), gone), (303, words(&["0099"])));
    for text in [
        "text of 250",
        "text of 25!",
        "text of 10",
        "TEXT of 10",
        "text of 5",
        "text of !",
    ] {
        let headlines = reader.headlines();
        let mut mails = headlines.iter().filter_map(|headline| {
            let mail = reader
                .store
                .mail(headline.id)
                .expect("the cache can be read")?;
            Some(String::from_utf8_lossy(&mail).into_owned())
        });
        assert!(
            mails.any(|mail| mail.ends_with(&format!("{text}\r\n"))),
            "{text}"
        );
    }
}

#[tokio::test]
async fn after_a_move_to_a_server_that_gives_no_headers_alone_all_is_recognised_too() {
    // It refuses TOP, or writes its own into the headers, or hangs up.
    for quirks in [
        &[Pipelines, NoTop][..],
        &[Pipelines, AddsHeaders],
        &[Pipelines],
    ] {
        let (odd, reader) = with(quirks, &numbered("old-", 60)).await;
        checks(&odd, &reader, 1).await;
        odd.hold(&numbered("new-", 60));
        if quirks.len() == 1 {
            odd.hang_up_at_top();
            rest(&odd).await;
            let (summary, _) = reader.check().await;
            assert!(!summary.outcome.is_done(), "{:?}", summary.outcome);
        }

        assert_eq!(checks(&odd, &reader, 4).await, (0, 0), "{quirks:?}");

        let (there, gone) = kept(&reader);
        assert_eq!((there.len(), gone.len()), (60, 0), "{quirks:?}");
    }
}
