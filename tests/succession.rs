//! Corrections and what they correct, notices that expire, and the lists they come through: in the cache, in
//! whatever order they come.

use jiff::{Timestamp, ToSpan, Zoned, tz::TimeZone};
use proptest::prelude::*;
use tidings::{
    notice::{Headline, headline::Digest},
    pop3::listing::{Octets, UniqueId},
    store::{Store, arrival::Arrival, search::Query, seen::Listed},
};

/// A notice of somebody's, with further headers.
struct Sent<'a> {
    from: &'a str,
    day: i64,
    subject: &'a str,
    headers: &'a str,
}

const DRILL: Sent = Sent {
    from: "facilities@team.example",
    day: 1,
    subject: "Fire drill",
    headers: "",
};

fn now() -> Timestamp {
    "2027-06-01T00:00:00Z".parse().expect("a time")
}

fn bytes(number: usize, sent: &Sent) -> Vec<u8> {
    let at: Zoned = "2026-11-01T10:00:00Z"
        .parse::<Timestamp>()
        .expect("a time")
        .to_zoned(TimeZone::UTC);
    let date = jiff::fmt::rfc2822::to_string(&(at + sent.day.days())).expect("a date");
    format!(
        "From: Team <{}>\r\nTo: all@team.example\r\nSubject: {}\r\nDate: {date}\r\n\
         Message-ID: <{number}@team.example>\r\n{}\r\nText {number}.\r\n",
        sent.from, sent.subject, sent.headers
    )
    .into_bytes()
}

/// Keeps notices one by one in this order, and gives which stands in whose place, by their places in
/// `all`.
fn replaced(all: &[Sent], order: &[usize]) -> Vec<Option<usize>> {
    let (store, _folder) = kept(all, order);
    let headlines = store.headlines(None, 100).expect("headlines");
    let of = |number: usize| {
        let key = Headline::parse(&bytes(number, &all[number]), now()).key;
        headlines
            .iter()
            .find(|headline| headline.key == key)
            .expect("it is kept")
    };
    (0..all.len())
        .map(|number| {
            let by = of(number).fate.replaced_by?;
            (0..all.len()).find(|other| of(*other).id == by)
        })
        .collect()
}

fn kept(all: &[Sent], order: &[usize]) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("cache.db"))
        .expect("it opens")
        .store;
    for number in order {
        let bytes = bytes(*number, &all[*number]);
        let digest = Digest::of(&bytes, now());
        let unique_id = UniqueId::new(format!("id{number}").as_bytes()).expect("short");
        let arrival = Arrival::new(unique_id, Octets(bytes.len() as u64), bytes, digest);
        store
            .keep(vec![arrival], &Listed::default(), now())
            .expect("it is kept");
    }
    (store, folder)
}

/// The same in both orders of arrival.
fn replaced_either_way(all: &[Sent]) -> Vec<Option<usize>> {
    let forth: Vec<usize> = (0..all.len()).collect();
    let back: Vec<usize> = (0..all.len()).rev().collect();
    let found = replaced(all, &forth);
    assert_eq!(
        found,
        replaced(all, &back),
        "the newest first, as a first check fetches them"
    );
    found
}

#[test]
fn each_correction_takes_the_place_of_the_one_before() {
    let all = [
        DRILL,
        Sent {
            day: 2,
            subject: "Correction: Fire drill",
            ..DRILL
        },
        Sent {
            day: 3,
            subject: "UPDATE 2: Correction: fire  drill",
            ..DRILL
        },
        Sent { day: 4, ..DRILL },
    ];

    assert_eq!(replaced_either_way(&all), [Some(1), Some(2), None, None]);
}

#[test]
fn nobody_corrects_the_notice_of_another() {
    let all = [
        DRILL,
        Sent {
            from: "mallory@team.example",
            day: 2,
            subject: "Correction: Fire drill",
            ..DRILL
        },
        Sent {
            from: "mallory@team.example",
            day: 3,
            subject: "x",
            headers: "Supersedes: <0@team.example>\r\n",
        },
    ];

    assert_eq!(replaced_either_way(&all), [None, None, None]);
}

#[test]
fn a_correction_is_of_what_was_sent_lately() {
    let all = [
        DRILL,
        Sent {
            day: 40,
            subject: "Correction: Fire drill",
            ..DRILL
        },
    ];

    assert_eq!(replaced_either_way(&all), [None, None]);
}

#[test]
fn a_notice_can_name_the_one_in_whose_place_it_stands() {
    for field in ["Supersedes", "Replaces"] {
        let headers = format!("{field}: <0@team.example>\r\n");
        let all = [
            DRILL,
            Sent {
                day: 60,
                subject: "Evacuation, new date",
                headers: &headers,
                ..DRILL
            },
        ];

        assert_eq!(replaced_either_way(&all), [Some(1), None], "{field}");
    }
}

#[test]
fn notices_that_name_one_another_do_not_hide_each_other() {
    // Whoever forges a sender could hide three notices so.
    let all = [
        DRILL,
        Sent {
            day: 2,
            subject: "x",
            headers: "Supersedes: <2@team.example>\r\n",
            ..DRILL
        },
        Sent {
            day: 3,
            subject: "y",
            headers: "Supersedes: <1@team.example>\r\n",
            ..DRILL
        },
        Sent {
            day: 0,
            subject: "z",
            headers: "Supersedes: <0@team.example>\r\n",
            ..DRILL
        },
    ];

    let found = replaced_either_way(&all);

    assert_eq!(
        found,
        [None, Some(2), None, None],
        "an older one takes no newer one's place"
    );
}

#[test]
fn what_does_not_hold_any_more_is_not_unread() {
    let all = [
        Sent {
            headers: "Expires: Mon, 02 Nov 2026 12:00:00 +0000\r\n",
            ..DRILL
        },
        Sent {
            subject: "Lunch",
            headers: "Expiry-Date: Fri, 02 Nov 2096 10:00:00 +0000\r\n",
            ..DRILL
        },
        Sent {
            subject: "Party",
            ..DRILL
        },
        Sent {
            subject: "Correction: Party",
            day: 2,
            ..DRILL
        },
    ];
    let (store, _folder) = kept(&all, &[0, 1, 2, 3]);
    let found = |query: &str| {
        let query = Query::parse(query, &TimeZone::UTC).expect("a query");
        let ids = store.search(&query, 10).expect("an answer");
        let mut subjects: Vec<String> = store
            .headlines_of(&ids)
            .expect("headlines")
            .iter()
            .map(|headline| headline.subject.to_string())
            .collect();
        subjects.sort();
        subjects
    };

    assert_eq!(store.counts().expect("counts").unread, 2);
    assert_eq!(found("is:unread"), ["Correction: Party", "Lunch"]);
    assert_eq!(found("is:expired"), ["Fire drill"]);
    assert_eq!(found("is:replaced"), ["Party"]);
    assert_eq!(
        found("-is:expired -is:replaced"),
        ["Correction: Party", "Lunch"]
    );
    let oldest = store
        .oldest_unread()
        .expect("it is read")
        .expect("there is one");
    assert_eq!(&*oldest.subject, "Lunch");
}

#[test]
fn recipients_and_lists_are_searched_for() {
    let all = [
        Sent {
            headers: "Cc: Ops 100% <ops@team.example>\r\nList-Id: Ops_alerts 100% <ops.team.example>\r\n",
            ..DRILL
        },
        Sent {
            subject: "Lunch",
            headers: "List-Id: <opsXalerts.team.example>\r\n",
            ..DRILL
        },
    ];
    let (store, _folder) = kept(&all, &[0, 1]);
    let count = |query: &str| {
        let query = Query::parse(query, &TimeZone::UTC).expect("a query");
        store.search(&query, 10).expect("an answer").len()
    };

    assert_eq!(count("to:ops@team.example"), 1);
    assert_eq!(count("to:all"), 2);
    assert_eq!(count("from:ops"), 0);
    assert_eq!(count("list:OPS"), 2, "part of the name, whatever its case");
    assert_eq!(count("list:ops_alerts"), 1, "each character means itself");
    assert_eq!(count("list:100%"), 1);
    assert_eq!(count("list:"), 2, "what is not typed yet narrows nothing");
    assert_eq!(count("-list:opsx"), 1);
    assert_eq!(
        count("list:ops.team.example"),
        1,
        "its identifier, though a phrase is shown"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_order_of_arrival_makes_no_difference(
        days in proptest::collection::vec((0..45i64, any::<bool>()), 1..7),
        order in Just((0..7usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let all: Vec<Sent> = days
            .iter()
            .map(|(day, corrects)| Sent {
                day: *day,
                subject: if *corrects { "Update: Fire drill" } else { "Fire drill" },
                ..DRILL
            })
            .collect();
        // Of the same second the later row is the newer; days are told apart here.
        let mut seen = std::collections::BTreeSet::new();
        prop_assume!(days.iter().all(|(day, _)| seen.insert(*day)));
        let order: Vec<usize> = order.into_iter().filter(|number| *number < all.len()).collect();

        let found = replaced(&all, &order);

        // Straight from the rule: each correction replaces the one before it, if that is near enough.
        let mut by_day: Vec<usize> = (0..all.len()).collect();
        by_day.sort_by_key(|number| days[*number].0);
        let mut wanted = vec![None; all.len()];
        for pair in by_day.windows(2) {
            let ((before, _), (after, corrects)) = (days[pair[0]], days[pair[1]]);
            if corrects && after - before <= 30 {
                wanted[pair[0]] = Some(pair[1]);
            }
        }
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn what_has_the_words_where_they_matter_most_comes_first_if_asked() {
    let all = [
        Sent {
            day: 3,
            subject: "Lunch",
            headers: "X: y\r\n\r\nThe deploy is late.",
            ..DRILL
        },
        Sent {
            day: 1,
            subject: "Deploy finished",
            ..DRILL
        },
        Sent {
            day: 2,
            subject: "Soup",
            headers: "X: y\r\n\r\ndeploy deploy deploy",
            ..DRILL
        },
    ];
    let (store, _folder) = kept(&all, &[0, 1, 2]);
    let found = |query: &str| -> Vec<String> {
        let query = Query::parse(query, &TimeZone::UTC).expect("a query");
        let ids = store.search(&query, 10).expect("an answer");
        let headlines = ids
            .iter()
            .flat_map(|id| store.headlines_of(&[*id]).expect("it is kept"));
        headlines
            .map(|headline| headline.subject.to_string())
            .collect()
    };

    assert_eq!(found("deploy"), ["Lunch", "Soup", "Deploy finished"]);
    assert_eq!(
        found("by:date deploy"),
        ["Lunch", "Soup", "Deploy finished"]
    );
    assert_eq!(
        found("deploy by:relevance"),
        ["Deploy finished", "Soup", "Lunch"]
    );
    assert_eq!(
        found("de by:relevance")[0],
        "Deploy finished",
        "of a beginning too"
    );
    assert_eq!(found("by:relevance -deploy"), [""; 0]);
    assert_eq!(found("by:relevance is:unread has:file"), [""; 0]);
    let either = found("deploy or subject:soup by:relevance");
    assert_eq!(either.len(), 3, "{either:?}");
    let other = found("is:unread or deploy by:relevance");
    assert_eq!(
        other.len(),
        3,
        "what has none of the words comes last: {other:?}"
    );
    assert_eq!(found("by:"), ["Lunch", "Soup", "Deploy finished"]);
    let wrong = Query::parse("a by:size", &TimeZone::UTC).expect_err("no such thing");
    assert_eq!(
        wrong.to_string(),
        "column 3: `by:` takes date or relevance, not `size`"
    );
}

#[test]
fn attached_texts_and_mails_are_searched_too() {
    let attached = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n\
        --b\r\nContent-Type: text/plain; name=build.log\r\nContent-Disposition: attachment\r\n\r\n12:00 ERROR quota exceeded\r\n\
        --b\r\nContent-Type: application/octet-stream; name=hosts.csv\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        aG9zdCxvd25lcgptdXJtYW5zayxQcml5YQo=\r\n\
        --b\r\nContent-Type: image/png; name=map.png\r\nContent-Transfer-Encoding: base64\r\n\r\nc2VjcmV0\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Vladivostok\r\n\r\nFrom the east.\r\n--b--\r\n";
    let all = [Sent {
        headers: attached,
        ..DRILL
    }];
    let (store, _folder) = kept(&all, &[0]);
    let count = |query: &str| {
        let query = Query::parse(query, &TimeZone::UTC).expect("a query");
        store.search(&query, 10).expect("an answer").len()
    };

    for word in [
        "exceeded",
        "murmansk",
        "vladivostok",
        "east",
        "build.log",
        "hosts",
    ] {
        assert_eq!(count(word), 1, "{word}");
    }
    assert_eq!(count("secret"), 0, "a picture has no words");
}

#[test]
fn a_correction_that_is_taken_back_gives_the_place_back() {
    let all = [
        DRILL,
        Sent {
            day: 2,
            subject: "Correction: Fire drill",
            ..DRILL
        },
    ];
    let (store, _folder) = kept(&all, &[0, 1]);
    assert_eq!(store.counts().expect("counts").unread, 1);
    let headlines = store.headlines(None, 10).expect("headlines");
    let correction = headlines
        .iter()
        .find(|headline| headline.fate.replaced_by.is_none())
        .expect("one");

    store.withdraw(&[correction.id], now()).expect("withdrawn");

    assert_eq!(
        store.counts().expect("counts").unread,
        1,
        "the first one is to be read again"
    );
    let headlines = store.headlines(None, 10).expect("headlines");
    assert!(
        headlines
            .iter()
            .all(|headline| headline.fate.replaced_by.is_none())
    );
}

#[test]
fn names_tell_apart_who_has_the_address_of_a_list() {
    // As lists write it that may not send in their members' names.
    let by = |name: &str, subject: &str, day: i64| {
        let mail = format!(
            "From: \"{name} via team\" <team@lists.example>\r\nSubject: {subject}\r\n\
             Date: {day} Nov 2026 10:00:00 +0000\r\nMessage-ID: <{name}{day}@x.example>\r\n\r\ntext\r\n"
        );
        Digest::of(mail.as_bytes(), now()).succession
    };

    assert_eq!(
        by("Ana", "Fire drill", 2).topic,
        by("Ana", "Correction: Fire drill", 3).topic
    );
    assert_ne!(
        by("Ana", "Fire drill", 2).topic,
        by("Bob", "Correction: Fire drill", 3).topic
    );
}

#[test]
fn what_was_over_before_it_was_sent_is_to_be_read() {
    let all = [Sent {
        headers: "Expires: Mon, 26 Jul 1997 05:00:00 GMT\r\n",
        ..DRILL
    }];
    let (store, _folder) = kept(&all, &[0]);

    assert_eq!(store.counts().expect("counts").unread, 1);
}
