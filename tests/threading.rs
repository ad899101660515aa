//! Threads: what answers what, whatever is missing, circular or twice, and in whatever order it comes.

use std::collections::{BTreeSet, HashMap};

use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use tidings::notice::{
    Headline,
    thread::{Slot, Thread, Threads},
};

/// A mail: its key, the keys that it names with the nearest last, and the minute in which it was sent.
type Mail<'a> = (u64, &'a [u64], i64);

fn headline((key, parents, minute): Mail) -> Headline {
    Headline {
        key,
        parents: parents.into(),
        date: Timestamp::UNIX_EPOCH + minute.minutes(),
        ..Headline::default()
    }
}

fn threads(headlines: &[Headline], by_subject: bool) -> Threads {
    let mut threads = Threads::new(by_subject);
    for count in 1..=headlines.len() {
        threads.add(&headlines[..count]);
    }
    threads.settle(headlines);
    threads
}

/// The threads by the date of their first mails, a line for each mail: its key, indented by its depth.
fn drawn(headlines: &[Headline], threads: &Threads) -> String {
    let mut all: Vec<Thread> = threads.all().collect();
    all.sort_by_key(|thread| {
        let dates = threads
            .members(*thread)
            .iter()
            .map(|slot| headlines[slot.index()].date);
        dates.min()
    });
    let mut out = String::new();
    for thread in all {
        out.push_str("-\n");
        for slot in threads.members(thread) {
            let indent = " ".repeat(usize::from(threads.depth(*slot)));
            out += &format!("{indent}{}\n", headlines[slot.index()].key);
        }
    }
    out
}

fn tree(mails: &[Mail]) -> String {
    let headlines: Vec<Headline> = mails.iter().copied().map(headline).collect();
    drawn(&headlines, &threads(&headlines, false))
}

#[test]
fn answers_stand_below_what_they_answer_the_older_first() {
    let mails: [Mail; 5] = [
        (1, &[], 0),
        (2, &[1], 10),
        (3, &[1], 20),
        (4, &[1, 2], 30),
        (5, &[], 5),
    ];

    assert_eq!(tree(&mails), "-\n1\n 2\n  4\n 3\n-\n5\n");
}

#[test]
fn the_order_of_arrival_makes_no_difference() {
    let mails: [Mail; 4] = [(4, &[1, 2], 30), (3, &[1], 20), (2, &[1], 10), (1, &[], 0)];

    assert_eq!(tree(&mails), "-\n1\n 2\n  4\n 3\n");
}

#[test]
fn what_is_missing_holds_its_answers_together() {
    // Nobody has the mail that both answer; and none is between the first and its answer's answer.
    let mails: [Mail; 4] = [(11, &[10], 1), (12, &[10], 2), (1, &[], 3), (3, &[1, 2], 4)];

    assert_eq!(tree(&mails), "-\n11\n12\n-\n1\n 3\n");
}

#[test]
fn circles_are_not_believed() {
    let mails: [Mail; 4] = [(1, &[2], 1), (2, &[1], 2), (3, &[4, 3], 3), (4, &[3, 4], 4)];

    let drawn = tree(&mails);
    // Whichever link came first stands.
    assert_eq!(drawn, "-\n2\n 1\n-\n4\n 3\n");
}

#[test]
fn a_message_id_that_comes_twice_is_two_mails_of_one_thread() {
    let mails: [Mail; 4] = [(1, &[], 0), (2, &[1], 1), (2, &[1], 2), (3, &[2], 3)];

    assert_eq!(tree(&mails), "-\n1\n 2\n  3\n 2\n");
}

#[test]
fn references_that_are_cut_short_are_mended_by_later_ones() {
    // 3 names only 2, of which nobody knows what it answers until 4 says so.
    let mails: [Mail; 3] = [(1, &[], 0), (3, &[2], 1), (4, &[1, 2, 3], 2)];

    assert_eq!(tree(&mails), "-\n1\n 3\n  4\n");
}

#[test]
fn a_correction_stands_before_what_it_corrects_even_if_it_answers_it() {
    let mails: [Mail; 4] = [(1, &[], 0), (2, &[1], 1), (3, &[1], 2), (4, &[], 3)];
    let headlines: Vec<Headline> = mails.iter().copied().map(headline).collect();
    let mut threads = threads(&headlines, false);

    threads.replace(Slot(0), Slot(2));
    threads.replace(Slot(2), Slot(3));
    threads.settle(&headlines);

    assert_eq!(drawn(&headlines, &threads), "-\n4\n 3\n  1\n   2\n");
    threads.restore(Slot(2));
    threads.settle(&headlines);
    assert_eq!(drawn(&headlines, &threads), "-\n3\n 1\n  2\n4\n");
}

#[test]
fn mails_of_one_subject_are_a_thread_only_if_asked() {
    let mail = |key, minute, subject: &str, parents: &[u64]| Headline {
        subject: tidings::notice::shown::Shown::line(subject),
        ..headline((key, parents, minute))
    };
    let headlines = [
        mail(1, 0, "Fire drill", &[]),
        mail(2, 1, "Re: fire  drill", &[]),
        mail(3, 2, "AW: Re: Fire drill", &[2]),
        mail(4, 3, "Lunch", &[]),
        mail(5, 4, "(no subject)", &[]),
        mail(6, 5, "(no subject)", &[]),
    ];

    let asked = drawn(&headlines, &threads(&headlines, true));
    let not_asked = drawn(&headlines, &threads(&headlines, false));

    assert_eq!(asked, "-\n1\n2\n 3\n-\n4\n-\n5\n-\n6\n");
    assert_eq!(not_asked, "-\n1\n-\n2\n 3\n-\n4\n-\n5\n-\n6\n");
}

#[test]
fn a_chain_of_twenty_thousand_is_put_into_order() {
    // The newest first, as a first check fetches them; each names the one before.
    let count: u64 = 20_000;
    let headlines: Vec<Headline> = (0..count)
        .rev()
        .map(|key| match key {
            0 => headline((0, &[], 0)),
            _ => headline((key, &[key - 1], key as i64)),
        })
        .collect();

    let threads = threads(&headlines, false);

    let thread = threads.of(Slot(0));
    let keys = threads
        .members(thread)
        .iter()
        .map(|slot| headlines[slot.index()].key);
    assert!(keys.eq(0..count), "from the first to the last");
    assert_eq!(threads.depth(Slot(0)), u8::MAX);
}

/// Which mails are of one thread: those that name one another, or are named by or name the same.
fn components(headlines: &[Headline]) -> BTreeSet<BTreeSet<usize>> {
    let mut of_key: HashMap<u64, usize> = HashMap::new();
    let mut group: Vec<usize> = (0..headlines.len()).collect();
    for (index, headline) in headlines.iter().enumerate() {
        for key in headline.parents.iter().chain([&headline.key]) {
            let other = *of_key.entry(*key).or_insert(index);
            let (from, to) = (group[index], group[other]);
            group
                .iter_mut()
                .filter(|own| **own == from)
                .for_each(|own| *own = to);
        }
    }
    let mut found: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    for (index, group) in group.iter().enumerate() {
        found.entry(*group).or_default().insert(index);
    }
    found.into_values().collect()
}

fn any_mail() -> impl Strategy<Value = Headline> {
    let parents = proptest::collection::vec(0..20u64, 0..5);
    (0..20u64, parents, 0..100i64).prop_map(|(key, mut parents, minute)| {
        let mut seen = BTreeSet::new();
        parents.retain(|parent| *parent != key && seen.insert(*parent));
        headline((key, &parents, minute))
    })
}

proptest! {
    #[test]
    fn whatever_mails_say_each_is_in_one_thread_once(
        headlines in proptest::collection::vec(any_mail(), 1..40),
        pairs in proptest::collection::vec((0..40usize, 0..40usize), 0..6),
    ) {
        let mut threads = threads(&headlines, false);
        let found: BTreeSet<BTreeSet<usize>> = threads
            .all()
            .map(|thread| threads.members(thread).iter().map(|slot| slot.index()).collect())
            .collect();
        prop_assert_eq!(found, components(&headlines));

        let count = headlines.len();
        for (old, new) in pairs {
            let (old, new) = (old % count, new % count);
            if old != new {
                threads.replace(Slot(old as u32), Slot(new as u32));
            }
        }
        threads.settle(&headlines);
        let mut listed: Vec<usize> = threads
            .all()
            .flat_map(|thread| threads.members(thread))
            .map(|slot| slot.index())
            .collect();
        listed.sort_unstable();
        prop_assert_eq!(listed, (0..count).collect::<Vec<_>>());
        for slot in (0..count).map(|index| Slot(index as u32)) {
            // No circle: upwards there is an end.
            let above = std::iter::successors(threads.parent(slot), |slot| threads.parent(*slot));
            prop_assert!(above.take(count + 1).count() <= count);
        }
    }

    #[test]
    fn settling_at_each_step_and_at_the_end_is_the_same(
        headlines in proptest::collection::vec(any_mail(), 1..30),
    ) {
        let mut stepwise = Threads::new(false);
        for count in 1..=headlines.len() {
            stepwise.add(&headlines[..count]);
            stepwise.settle(&headlines[..count]);
        }

        prop_assert_eq!(drawn(&headlines, &stepwise), drawn(&headlines, &threads(&headlines, false)));
    }

    #[test]
    fn a_true_tree_is_found_in_whatever_order_it_comes(
        parents in proptest::collection::vec((0..1_000usize, 1..4usize), 1..30),
        order in Just((0..30usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        // Each mail answers one of those before it, or none; it names the nearest few that it follows.
        let parent = |index: usize| {
            let (chosen, _) = parents[index];
            (index > 0 && chosen % 5 > 0).then(|| chosen % index)
        };
        let all: Vec<Headline> = (0..parents.len())
            .map(|index| {
                let mut named: Vec<u64> = std::iter::successors(parent(index), |at| parent(*at))
                    .take(parents[index].1)
                    .map(|index| index as u64)
                    .collect();
                named.reverse();
                headline((index as u64, &named, index as i64))
            })
            .collect();
        let order: Vec<usize> = order.into_iter().filter(|index| *index < all.len()).collect();
        let headlines: Vec<Headline> = order.iter().map(|index| all[*index].clone()).collect();

        let threads = threads(&headlines, false);

        for (slot, headline) in (0..).map(Slot).zip(&headlines) {
            let found = threads.parent(slot).map(|parent| headlines[parent.index()].key as usize);
            prop_assert_eq!(found, parent(headline.key as usize));
        }
    }
}
