//! Appointments in mails: what is told of them, in the sender's zone and in the reader's.

use jiff::{Timestamp, tz::TimeZone};
use tidings::{
    notice::{Notice, TextForm, body::Options, headline::Digest},
    pop3::listing::{Octets, UniqueId},
    store::{Store, arrival::Arrival, seen::Listed},
};

fn mail(calendar: &str) -> Vec<u8> {
    let calendar = calendar.trim().replace('\n', "\r\n");
    format!(
        "From: Priya <priya@team.example>\r\nSubject: Invitation\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/calendar; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\n\
         {calendar}\r\nEND:VCALENDAR\r\n"
    )
    .into_bytes()
}

/// What is told of an appointment to somebody in a zone.
fn told(calendar: &str, zone: &str) -> String {
    let zone = TimeZone::get(zone).expect("a zone");
    text_of(&Notice::parse_in(
        &mail(calendar),
        TextForm::Best,
        Some(&zone),
    ))
}

fn text_of(notice: &Notice) -> String {
    let lines = notice.lines(100, Options::default());
    let text = |line: &tidings::notice::Line| {
        line.runs
            .iter()
            .map(|run| run.text.as_str())
            .collect::<String>()
    };
    lines.iter().map(text).collect::<Vec<_>>().join("\n")
}

const MEETING: &str = "METHOD:REQUEST
BEGIN:VEVENT
UID:meeting-1@team.example
SEQUENCE:0
SUMMARY:Planning\\, the second
DTSTART;TZID=Europe/Berlin:20261124T140000
DTEND;TZID=Europe/Berlin:20261124T150000
LOCATION:Room 3
ORGANIZER;CN=Priya Natarajan:mailto:priya@team.example
ATTENDEE:mailto:tom@team.example
ATTENDEE:mailto:ana@team.example
DESCRIPTION:Bring your plans.\\nAnd tea.
END:VEVENT";

#[test]
fn an_invitation_is_told_in_both_zones() {
    let there = told(MEETING, "Europe/Paris");
    let here = told(MEETING, "America/New_York");

    assert_eq!(
        there,
        "What     Planning, the second\n\
         When     Tue 24 Nov 2026 14:00 - 15:00 (Europe/Berlin)\n\
         Where    Room 3\n\
         Who      Priya Natarajan <priya@team.example>\n\
         With     tom@team.example, ana@team.example\n\
         This is  an invitation\n\
         \n\
         Bring your plans.\nAnd tea.",
        "a clock that shows the same is not told"
    );
    assert!(
        here.contains("For you  Tue 24 Nov 2026 08:00 - 09:00 (America/New_York)"),
        "{here}"
    );
}

#[test]
fn zones_are_known_by_the_names_that_other_programs_have_for_them() {
    let outlook = MEETING.replace("Europe/Berlin", "\"W. Europe Standard Time\"");
    let utc = MEETING
        .replace(";TZID=Europe/Berlin", "")
        .replace("0000\n", "0000Z\n");
    let floating = MEETING.replace(";TZID=Europe/Berlin", "");
    let unknown = MEETING.replace("Europe/Berlin", "Our Office");

    assert!(
        told(&outlook, "UTC").contains("For you  Tue 24 Nov 2026 13:00 - 14:00"),
        "{}",
        told(&outlook, "UTC")
    );
    let in_tokyo = told(&utc, "Asia/Tokyo");
    assert!(in_tokyo.contains("14:00 - 15:00 (UTC)"), "{in_tokyo}");
    assert!(
        in_tokyo.contains("For you  Tue 24 Nov 2026 23:00 - Wed 25 Nov 2026 00:00"),
        "{in_tokyo}"
    );
    assert!(
        !told(&floating, "Asia/Tokyo").contains("For you"),
        "{}",
        told(&floating, "Asia/Tokyo")
    );
    let office = told(&unknown, "Asia/Tokyo");
    assert!(
        office.contains("14:00 - 15:00 (Our Office)") && !office.contains("For you"),
        "{office}"
    );
}

#[test]
fn a_zone_that_the_calendar_explains_is_what_it_says_whatever_it_is_called() {
    let part = |kind: &str, start: &str, offset: &str, rule: &str| {
        format!(
            "BEGIN:{kind}\nDTSTART:{start}\nTZOFFSETFROM:+0000\nTZOFFSETTO:{offset}\n{rule}END:{kind}\n"
        )
    };
    let yearly = |month: u8, day: &str| format!("RRULE:FREQ=YEARLY;BYMONTH={month};BYDAY={day}\n");
    let europe = [
        part("STANDARD", "16011028T030000", "+0100", &yearly(10, "-1SU")),
        part("DAYLIGHT", "16010325T020000", "+0200", &yearly(3, "-1SU")),
    ]
    .concat();
    let america = [
        part("STANDARD", "16011104T020000", "-0500", &yearly(11, "1SU")),
        part("DAYLIGHT", "16010311T020000", "-0400", &yearly(3, "2SU")),
    ]
    .concat();
    let fixed = part("STANDARD", "16010101T000000", "+0530", "");
    // Rules of long ago that were followed by others.
    let changed = [
        part("STANDARD", "19700101T000000", "+0300", ""),
        part(
            "DAYLIGHT",
            "19800401T000000",
            "+0400",
            "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=19900401T000000Z\n",
        ),
        part("STANDARD", "20150101T000000", "+0200", ""),
    ]
    .concat();
    let listed = [
        part("STANDARD", "20251026T030000", "+0100", ""),
        part("DAYLIGHT", "20260329T020000", "+0200", ""),
        part("STANDARD", "20261025T030000", "+0100", ""),
    ]
    .concat();
    let unreadable = [
        part("STANDARD", "16011028T030000", "+0100", &yearly(10, "-1SU")),
        part(
            "DAYLIGHT",
            "16010325T020000",
            "+0200",
            "RDATE:20260329T020000\n",
        ),
    ]
    .concat();
    // By the day of the month on or after which it is.
    let by_day = [
        part(
            "STANDARD",
            "16011104T020000",
            "-0500",
            "RRULE:FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=1,2,3,4,5,6,7;BYDAY=SU\n",
        ),
        part(
            "DAYLIGHT",
            "16010311T020000",
            "-0400",
            "RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=SU\n",
        ),
    ]
    .concat();
    for (name, rules, month, utc) in [
        ("(GMT+01.00) Sarajevo/Warsaw/Zagreb", &europe, 7, "07:00"),
        ("(GMT+01.00) Sarajevo/Warsaw/Zagreb", &europe, 1, "08:00"),
        ("Customized Time Zone", &america, 7, "13:00"),
        ("EST", &america, 7, "13:00"),
        ("EST", &america, 1, "14:00"),
        ("tzone://Microsoft/Custom", &by_day, 3, "13:00"),
        ("Office of ours", &fixed, 7, "03:30"),
        ("Moved", &changed, 7, "07:00"),
        ("Year by year", &listed, 7, "07:00"),
        ("Year by year", &listed, 1, "08:00"),
        // Of what cannot be read all of it the name tells.
        ("W. Europe Standard Time", &unreadable, 7, "07:00"),
    ] {
        let calendar = format!(
            "BEGIN:VTIMEZONE\nTZID:{name}\n{rules}END:VTIMEZONE\nBEGIN:VEVENT\nUID:1\nSUMMARY:Talk\n\
             DTSTART;TZID=\"{name}\":2026{month:02}20T090000\nEND:VEVENT"
        );
        let told = told(&calendar, "Etc/UTC");
        let expected = format!(" 2026 {utc} (Etc/UTC)");
        assert!(told.contains(&expected), "{name}, {month}: {told}");
    }
}

#[test]
fn a_thing_to_do_says_by_when() {
    let told = told(
        "BEGIN:VTODO\nUID:1\nSUMMARY:Send the report\nDUE;TZID=Europe/Berlin:20261208T200000\nEND:VTODO",
        "Europe/Berlin",
    );

    assert!(
        told.contains("by Tue 8 Dec 2026 20:00 (Europe/Berlin)"),
        "{told}"
    );
}

#[test]
fn links_of_an_appointment_have_numbers() {
    let calendar = "BEGIN:VEVENT\nUID:1\nSUMMARY:Talk\nDTSTART:20261208T200000Z\n\
                    LOCATION:https://zoom.example/j/77\nDESCRIPTION:Join at https://meet.example/abc or call\nEND:VEVENT";
    let notice = Notice::parse(&mail(calendar));

    let targets: Vec<&str> = notice
        .links
        .iter()
        .map(|link| link.target.as_str())
        .collect();
    assert_eq!(
        targets,
        ["https://zoom.example/j/77", "https://meet.example/abc"]
    );
}

#[test]
fn whole_days_and_how_long_it_lasts_are_told() {
    let days = MEETING
        .replace(
            "DTSTART;TZID=Europe/Berlin:20261124T140000",
            "DTSTART;VALUE=DATE:20261124",
        )
        .replace(
            "DTEND;TZID=Europe/Berlin:20261124T150000",
            "DTEND;VALUE=DATE:20261127",
        );
    let lasts = MEETING.replace(
        "DTEND;TZID=Europe/Berlin:20261124T150000",
        "DURATION:PT1H30M",
    );

    let days = told(&days, "Asia/Tokyo");
    assert!(
        days.contains("When     Tue 24 Nov 2026 - Thu 26 Nov 2026\n"),
        "{days}"
    );
    assert!(!days.contains("For you"), "a day is a day: {days}");
    assert!(
        told(&lasts, "UTC").contains("14:00 - 15:30"),
        "{}",
        told(&lasts, "UTC")
    );
}

#[test]
fn how_often_it_is_is_told_in_words() {
    let cases = [
        ("RRULE:FREQ=DAILY", "every day"),
        (
            "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20261224T000000Z",
            "every 2 weeks on Mon, Wed until 24 Dec 2026",
        ),
        (
            "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            "every week on Mon to Fri",
        ),
        (
            "RRULE:FREQ=MONTHLY;BYDAY=1MO;COUNT=6",
            "every month on the 1st Mon, 6 times",
        ),
        (
            "RRULE:FREQ=MONTHLY;BYDAY=-1FR",
            "every month on the last Fri",
        ),
        (
            "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "every month on the last of Mon to Fri",
        ),
        (
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,-1",
            "every month on the 1st, the last day",
        ),
        (
            "RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=22",
            "every year on the 22nd in Mar",
        ),
        ("RRULE:FREQ=DAILY;BYHOUR=9,17", "every day at 9, 17 o'clock"),
        (
            "RRULE:FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0,30",
            "every day at 09:00, 09:30, 17:00, 17:30",
        ),
        (
            "RRULE:FREQ=HOURLY;BYMINUTE=15,45",
            "every hour at minute 15, 45",
        ),
        (
            "RRULE:FREQ=YEARLY;BYWEEKNO=20,-1;BYDAY=MO",
            "every year on Mon in week 20, the last",
        ),
        (
            "RRULE:FREQ=YEARLY;BYYEARDAY=100,-1",
            "every year on day 100, 1 from the end of the year",
        ),
        (
            "RRULE:FREQ=WEEKLY\nEXDATE:20261201T130000Z",
            "every week, not on 1 Dec 2026",
        ),
        (
            "RDATE:20261201T130000Z,20261203T130000Z",
            "also on 1 Dec 2026, 3 Dec 2026",
        ),
    ];
    for (rule, words) in cases {
        let calendar = MEETING.replace("LOCATION", &format!("{rule}\nLOCATION"));
        let told = told(&calendar, "UTC");
        assert!(
            told.contains(&format!("Repeats  {words}\n")),
            "{rule}: {told}"
        );
    }
}

#[test]
fn what_became_of_it_is_told() {
    let cancelled = MEETING.replace("METHOD:REQUEST", "METHOD:CANCEL");
    let changed = MEETING.replace("SEQUENCE:0", "SEQUENCE:2");
    let moved = MEETING.replace(
        "SUMMARY",
        "RECURRENCE-ID;TZID=Europe/Berlin:20261123T100000\nSUMMARY",
    );
    let answer = MEETING.replace("METHOD:REQUEST", "METHOD:REPLY").replace(
        "ATTENDEE:mailto:tom",
        "ATTENDEE;PARTSTAT=DECLINED;CN=Tom Becker:mailto:tom",
    );

    assert!(told(&cancelled, "UTC").contains("This is  cancelled"));
    assert!(told(&changed, "UTC").contains("This is  an invitation that was changed"));
    let moved = told(&moved, "UTC");
    assert!(
        moved.contains("Before   Mon 23 Nov 2026 10:00 (Europe/Berlin)\nWhen     Tue 24 Nov"),
        "{moved}"
    );
    let answer = told(&answer, "UTC");
    assert!(
        answer.contains("This is  Tom Becker <tom@team.example> declines"),
        "{answer}"
    );
}

#[test]
fn guests_are_named_without_who_invites_and_many_are_counted() {
    let guests: String = (1..=11)
        .map(|number| format!("ATTENDEE;CN=Guest {number}:mailto:{number}@team.example\n"))
        .collect();
    let many = MEETING.replace(
        "DESCRIPTION",
        &format!("{guests}ATTENDEE:MAILTO:Priya@team.example\nDESCRIPTION"),
    );

    let told = told(&many, "UTC");

    let with = "With     tom@team.example, ana@team.example, Guest 1, Guest 2, Guest 3, Guest 4, Guest 5, \
                Guest 6 and 5 more";
    assert!(told.replace("\n         ", " ").contains(with), "{told}");
}

#[test]
fn an_appointment_that_was_moved_says_when_and_where_it_was_to_be() {
    let changed = |changes: &[(&str, &str)], sequence: u32| {
        let changes = changes.iter().fold(MEETING.to_owned(), |text, (from, to)| {
            text.replace(from, to)
        });
        changes.replace("SEQUENCE:0", &format!("SEQUENCE:{sequence}"))
    };
    let later = changed(&[("1124T14", "1125T16"), ("1124T15", "1125T17")], 1);
    let elsewhere = changed(
        &[
            ("1124T14", "1125T16"),
            ("1124T15", "1125T17"),
            ("Room 3", "Room 7"),
        ],
        2,
    );
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("cache.db"))
        .expect("it opens")
        .store;
    let all = [MEETING, &later, &elsewhere].map(mail);
    for (number, bytes) in all.iter().enumerate() {
        let now = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(number as i64);
        let unique_id = UniqueId::new(format!("id{number}").as_bytes()).expect("short");
        let arrival = Arrival::new(
            unique_id,
            Octets(bytes.len() as u64),
            bytes.clone(),
            Digest::of(bytes, now),
        );
        store
            .keep(vec![arrival], &Listed::default(), now)
            .expect("it is kept");
    }
    let mut kept = store.headlines(None, 10).expect("headlines");
    kept.sort_by_key(|headline| headline.id);
    let told = |place: usize| {
        let mut notice = Notice::parse(&all[place]);
        let before = store.mail_before(kept[place].id).expect("it is read");
        notice.moved_from(&Notice::parse(&before.expect("it takes the place of one")));
        text_of(&notice)
    };

    assert!(store.mail_before(kept[0].id).expect("it is read").is_none());
    let (second, third) = (told(1), told(2));
    assert!(
        second.contains("Before   Tue 24 Nov 2026 14:00 - 15:00 (Europe/Berlin)\nWhen     Wed 25 Nov 2026 16:00 - 17:00"),
        "{second}"
    );
    assert!(
        third.contains("Before   Room 3\nWhen     Wed 25 Nov"),
        "{third}"
    );

    // What is as it was, by another name of its zone too, and what is another's, says nothing.
    for other in [
        MEETING.replace("Europe/Berlin", "\"W. Europe Standard Time\""),
        MEETING.to_owned(),
        later.replace("meeting-1", "meeting-2"),
    ] {
        let mut notice = Notice::parse(&mail(&other));
        notice.moved_from(&Notice::parse(&all[0]));
        assert!(!text_of(&notice).contains("Before"));
    }
}

#[test]
fn several_appointments_are_told_and_many_counted() {
    let one = |number: usize| {
        format!(
            "BEGIN:VEVENT\nUID:{number}\nSUMMARY:Talk {number}\nDTSTART:20261124T1{number}0000Z\nEND:VEVENT"
        )
    };
    let calendar: Vec<String> = (0..8).map(one).collect();

    let told = told(&calendar.join("\n"), "UTC");

    assert!(
        told.contains("Talk 4") && !told.contains("Talk 5"),
        "{told}"
    );
    assert!(told.contains("And 3 more in the calendar."), "{told}");
}

#[test]
fn a_later_notice_of_an_appointment_takes_the_place_of_an_earlier() {
    let of = |calendar: &str| Digest::of(&mail(calendar), Timestamp::UNIX_EPOCH).succession;
    let first = of(MEETING);
    let moved = of(&MEETING
        .replace("SEQUENCE:0", "SEQUENCE:1")
        .replace("T14", "T16"));
    let other = of(&MEETING
        .replace("meeting-1", "meeting-2")
        .replace("SEQUENCE:0", "SEQUENCE:1"));
    let answer = of(&MEETING.replace("METHOD:REQUEST", "METHOD:REPLY"));
    let one_of_series = of(&MEETING.replace("SUMMARY", "RECURRENCE-ID:20261123T100000Z\nSUMMARY"));

    assert!(!first.corrects);
    assert!(moved.corrects);
    assert_eq!(moved.topic, first.topic);
    for another in [other, answer, one_of_series] {
        assert_ne!(another.topic, first.topic);
    }
}
