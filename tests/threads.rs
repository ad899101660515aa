//! Conversations: which notices belong together, and in what order.

use std::{io::Write as _, time::Instant};

use jiff::Timestamp;
use proptest::prelude::*;

use tidings::notice::{NoticeId, thread::Threads};

#[test]
fn answers_stand_below_what_they_answer_by_date() {
    let mut threads = Threads::default();

    insert(&mut threads, 1, &[], 10);
    insert(&mut threads, 3, &[1], 30);
    insert(&mut threads, 2, &[1], 20);
    insert(&mut threads, 4, &[1, 2], 40);

    assert_eq!(drawn(&mut threads), "1 .2 ..4 .3");
}

#[test]
fn the_thread_with_the_newest_notice_comes_first() {
    let mut threads = Threads::default();

    insert(&mut threads, 1, &[], 10);
    insert(&mut threads, 2, &[], 20);
    insert(&mut threads, 3, &[1], 30);

    assert_eq!(drawn(&mut threads), "1 .3 | 2");
}

#[test]
fn answers_that_come_first_find_their_parent_later() {
    let mut threads = Threads::default();

    insert(&mut threads, 4, &[1, 2], 40);
    insert(&mut threads, 2, &[1], 20);
    insert(&mut threads, 1, &[], 10);

    assert_eq!(drawn(&mut threads), "1 .2 ..4");
}

#[test]
fn a_missing_parent_takes_no_room_but_holds_its_answers_together() {
    let mut threads = Threads::default();

    insert(&mut threads, 3, &[1, 2], 30);
    insert(&mut threads, 4, &[1, 2], 40);
    insert(&mut threads, 5, &[1], 35);

    assert_eq!(drawn(&mut threads), "3 4 5");
}

#[test]
fn a_circle_is_opened_somewhere() {
    let mut threads = Threads::default();

    insert(&mut threads, 1, &[2], 10);
    insert(&mut threads, 2, &[1], 20);
    insert(&mut threads, 3, &[3], 30);

    assert_eq!(drawn(&mut threads), "3 | 2 .1");
}

#[test]
fn two_mails_with_one_message_id_are_both_there() {
    let mut threads = Threads::default();

    insert(&mut threads, 1, &[], 10);
    threads.insert(NoticeId(2), 1, &[], at(20));
    insert(&mut threads, 3, &[1], 30);

    assert_eq!(drawn(&mut threads), "1 .2 .3");
}

#[test]
fn the_same_notice_is_taken_once() {
    let mut threads = Threads::default();

    insert(&mut threads, 1, &[], 10);
    insert(&mut threads, 1, &[], 10);

    assert_eq!(drawn(&mut threads), "1");
    assert_eq!(threads.len(), 1);
}

#[test]
fn a_notice_knows_its_thread() {
    let mut threads = Threads::default();

    insert(&mut threads, 1, &[], 10);
    insert(&mut threads, 2, &[1], 20);
    insert(&mut threads, 3, &[], 30);

    assert_eq!(threads.of(NoticeId(2)).len(), 2);
    assert_eq!(threads.of(NoticeId(9)).len(), 0);
}

#[test]
fn a_conversation_of_a_hundred_thousand_is_no_trouble() {
    let mut threads = Threads::default();

    for id in (1..=100_000u32).rev() {
        insert(
            &mut threads,
            id,
            &[u64::from(id.saturating_sub(1))],
            i64::from(id),
        );
    }

    assert_eq!(threads.of(NoticeId(7)).len(), 100_000);
}

/// Says what threads cost at the size that is promised. It asserts nothing: machines differ.
#[test]
#[ignore = "measures: cargo test --release -- --ignored --nocapture what_threads_cost"]
fn what_threads_cost() {
    let mut threads = Threads::default();
    let said = |what: &str, begun: Instant| {
        let took = begun.elapsed();
        writeln!(std::io::stdout(), "{what}: {took:?}").expect("standard output is open");
    };

    let begun = Instant::now();
    for id in 1..=100_000u32 {
        // Every third begins a thread, the others answer one of the last hundred.
        let parent = u64::from(
            id.saturating_sub(1 + id.wrapping_mul(2_654_435_761) % 100)
                .max(1),
        );
        let parents = [parent];
        insert(
            &mut threads,
            id,
            &parents[usize::from(id % 3 == 0)..],
            i64::from(id),
        );
    }
    let members = threads.iter().flatten().count();
    said(
        &format!("100,000 inserted and {members} put in order"),
        begun,
    );

    let begun = Instant::now();
    for id in 100_001..=100_010u32 {
        insert(&mut threads, id, &[u64::from(id - 50)], i64::from(id));
    }
    let members = threads.iter().flatten().count();
    said(&format!("ten added, {members} put in order"), begun);
}

proptest! {
    #[test]
    fn every_notice_is_in_one_thread_once_whatever_the_references_say(mails in proptest::collection::vec((0u64..12, proptest::collection::vec(0u64..12, 0..4), 0i64..50), 0..30)) {
        let mut threads = Threads::default();

        for (index, (key, parents, date)) in mails.iter().enumerate() {
            threads.insert(NoticeId(index as i64), *key, parents, at(*date));
            let _ = threads.iter().count();
        }

        let mut seen: Vec<i64> = threads.iter().flatten().map(|member| member.id.0).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..mails.len() as i64).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_of_arrival_makes_no_difference_to_who_is_together(parents in proptest::collection::vec(0u64..20, 1..20), seed in any::<u64>()) {
        let mails: Vec<(u32, u64)> = parents.iter().enumerate().map(|(index, &parent)| (index as u32 + 1, parent % (index as u64 + 1))).collect();
        let mut shuffled = mails.clone();
        shuffled.sort_by_key(|(id, _)| u64::from(*id).wrapping_mul(seed | 1).rotate_left(17));

        let groups = [mails, shuffled].map(|mails| {
            let mut threads = Threads::default();
            mails.iter().for_each(|(id, parent)| insert(&mut threads, *id, &[*parent][usize::from(*parent == 0)..], i64::from(*id)));
            drawn(&mut threads)
        });

        prop_assert_eq!(&groups[0], &groups[1]);
    }
}

fn insert(threads: &mut Threads, id: u32, parents: &[u64], date: i64) {
    threads.insert(NoticeId(i64::from(id)), u64::from(id), parents, at(date));
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a small number is a time")
}

/// Draws the threads: `|` between two of them, a dot for each step of depth.
fn drawn(threads: &mut Threads) -> String {
    let member = |member: &tidings::notice::thread::Member| {
        format!("{}{}", ".".repeat(usize::from(member.depth)), member.id.0)
    };
    let thread = |members: &[tidings::notice::thread::Member]| {
        members.iter().map(member).collect::<Vec<_>>().join(" ")
    };
    threads.iter().map(thread).collect::<Vec<_>>().join(" | ")
}
