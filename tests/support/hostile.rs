//! Hostile mails, made here: what steers a terminal in every place of a mail, and what costs more than it
//! is worth.

use std::fmt::Write as _;

/// A mail, and whether something of it must be left out.
pub struct Hostile {
    /// What is hostile about it.
    pub name: String,
    /// The mail.
    pub bytes: Vec<u8>,
    /// True if it holds more than is shown, so that a sentence must say so.
    pub is_cut: bool,
}

/// What steers a terminal, or hides or turns round what is read.
pub const STEERING: [&str; 14] = [
    "\u{1b}]0;owned\u{7}",
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}]8;;https://evil.test\u{1b}\\",
    "\u{1b}]52;c;cm0gLXJm\u{7}",
    "\u{9b}31m",
    "\u{9d}0;owned\u{9c}",
    "\u{202e}gpj.exe",
    "\u{2066}\u{2069}\u{200f}",
    "\u{200b}\u{2060}\u{feff}",
    "\u{e0041}\u{e007f}",
    "\u{2028}\u{2029}\u{85}",
    "\u{8}\u{7f}\u{c}\u{b}",
    "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "\u{1b}P+q544e\u{1b}\\\u{1b}_G\u{1b}\\",
];

/// Mails with something steering in every place, short enough to be opened in a terminal.
pub fn steering() -> Vec<Hostile> {
    STEERING
        .iter()
        .enumerate()
        .flat_map(|(number, evil)| places(number, evil))
        .collect()
}

fn hostile(name: &str, bytes: impl Into<Vec<u8>>, is_cut: bool) -> Hostile {
    Hostile {
        name: name.to_owned(),
        bytes: bytes.into(),
        is_cut,
    }
}

/// One mail for the headers, one for the parts, one for HTML, one for files.
fn places(number: usize, evil: &str) -> Vec<Hostile> {
    let encoded = base64(evil.as_bytes());
    let percent: String = evil.bytes().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "%{byte:02X}");
        out
    });
    let quoted: String = evil.bytes().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "={byte:02X}");
        out
    });
    let entities: String = evil.chars().fold(String::new(), |mut out, c| {
        let _ = write!(out, "&#x{:x};", u32::from(c));
        out
    });
    let mut headers = String::new();
    for field in [
        "Subject",
        "From",
        "To",
        "Cc",
        "Reply-To",
        "Sender",
        "Date",
        "Message-ID",
        "References",
        "In-Reply-To",
        "Importance",
        "X-Priority",
        "Expires",
        "Reply-By",
        "Supersedes",
        "List-Id",
        "Sensitivity",
        "Auto-Submitted",
        "Resent-From",
        "Disposition-Notification-To",
        "X-Anything",
    ] {
        let _ = write!(
            headers,
            "{field}: {evil} =?utf-8?b?{encoded}?= =?utf-8?q?{quoted}?= \"{evil}\" <a{evil}@x.example>\r\n"
        );
    }
    let parts = format!(
        "Subject: parts {number}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=\"{evil}\"; format=\"{evil}\"\r\n\
         Content-Transfer-Encoding: {evil}\r\n\r\n{evil} text {evil}\r\n> {evil}\r\n-- \r\n{evil}\r\n\
         --b\r\nContent-Type: application/{evil}; name=\"{evil}.txt\"\r\n\
         Content-Disposition: attachment; filename=\"..{evil}/x{evil}.csv\"\r\n\r\na{evil},b\r\n1,{evil}\r\n\
         --b\r\nContent-Type: text/json; name*=utf-8''{percent}.json\r\n\r\n{{\"{entities}\":\"{evil}\"}}\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: {evil}\r\nFrom: {evil} <{evil}@x.example>\r\n\r\n{evil}\r\n\
         --b\r\nContent-Type: message/external-body; access-type=\"{evil}\"; url=\"https://x.example/{evil}\"\r\n\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {evil}\r\n\r\n\
         Final-Recipient: rfc822; {evil}@x.example\r\nAction: failed\r\nDiagnostic-Code: smtp; 550 {evil}\r\n\
         --b--\r\n\r\nbegin 644 {evil}.txt\r\n#86%A\r\n`\r\nend\r\n"
    );
    let html = format!(
        "Subject: html {number}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<title>{evil}</title>\
         <a href=\"https://x.example/{evil}\" title=\"{evil}\">{entities}</a><a href=\"java\tscript:{evil}\">x</a>\
         <img alt=\"{evil}\" src=\"{evil}\"><p style=\"color:{evil}\">{evil}{entities}</p>\
         <ol start=\"{evil}\"><li>{evil}</ol><table><tr><th>{evil}<td>{entities}</table><pre>{evil}\t{evil}</pre>\
         <input value=\"{evil}\"><a href=\"https://pay{evil}pal.example\">paypal.example</a>"
    );
    let escaped = evil.replace('\\', "\\\\");
    let calendar = format!(
        "Subject: calendar {number}\r\nContent-Type: text/calendar; method=\"{evil}\"\r\n\r\nBEGIN:VCALENDAR\r\n\
         METHOD:{escaped}\r\nBEGIN:VEVENT\r\nUID:{escaped}\r\nSUMMARY;X={escaped}:{escaped}\r\n\
         DTSTART;TZID=\"{escaped}\":20261124T140000\r\nLOCATION:{escaped}\r\nORGANIZER;CN=\"{escaped}\":mailto:{escaped}\r\n\
         RRULE:FREQ=WEEKLY;BYDAY={escaped}\r\nSTATUS:{escaped}\r\nDESCRIPTION:{escaped}\\n{escaped}\r\nURL:{escaped}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let one = |what: &str, bytes: String| hostile(&format!("{what} {number}"), bytes, false);
    vec![
        one("headers", format!("{headers}\r\n{evil}\r\n")),
        one("parts", parts),
        one("html", html),
        one("calendar", calendar),
    ]
}

/// Mails that cost more than they are worth.
pub fn costly() -> Vec<Hostile> {
    let text = |body: &str| format!("Subject: x\r\n\r\n{body}\r\n");
    let html = |body: &str| format!("Subject: x\r\nContent-Type: text/html\r\n\r\n{body}");
    let of_type = |content_type: &str, body: &str| {
        format!("Subject: x\r\nContent-Type: {content_type}\r\n\r\n{body}")
    };
    let parts = "--b\r\n\r\npart\r\n".repeat(10_000);
    let deep: String = (0..10_000).fold(String::new(), |mut out, depth| {
        let _ = write!(
            out,
            "Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"
        );
        out
    });
    let cells = "<td colspan=1000 rowspan=1000>x".repeat(1_000);
    let rows = format!("<tr>{cells}").repeat(20);
    let chunk = "=41=\r\n".repeat(500_000);
    vec![
        hostile(
            "10,000 parts",
            of_type("multipart/mixed; boundary=b", &parts),
            true,
        ),
        hostile("depth 10,000", format!("{deep}\r\ndeep"), true),
        hostile(
            "a header of 100 MB",
            format!(
                "Subject: {}\r\nX: y\r\n\r\ntext\r\n",
                "word ".repeat(20 << 20)
            ),
            true,
        ),
        hostile(
            "a folded header of 20 MB",
            format!(
                "Subject: x{}\r\n\r\ntext\r\n",
                "\r\n word word".repeat(2 << 20)
            ),
            true,
        ),
        hostile(
            "a million headers",
            format!(
                "{}Subject: late\r\n\r\ntext\r\n",
                "X-A: b\r\n".repeat(1_000_000)
            ),
            true,
        ),
        hostile(
            "a table of spans",
            html(&format!("<table>{rows}</table>")),
            false,
        ),
        hostile(
            "tables in tables",
            html(&"<table><tr><td>x<td>".repeat(5_000)),
            false,
        ),
        hostile(
            "a table of 200,000 rows",
            html(&format!(
                "<table>{}</table>",
                "<tr><td>a<td>b".repeat(200_000)
            )),
            true,
        ),
        hostile("lists in lists", html(&"<ul><li>".repeat(100_000)), false),
        hostile(
            "entities",
            html(&"&lt;&#128512;&amp;&nbsp;".repeat(120_000)),
            true,
        ),
        hostile(
            "unclosed tags",
            html(&"<a<a<a<b<div<".repeat(150_000)),
            false,
        ),
        hostile(
            "attributes",
            html(&format!("<p {}>x", "a=\"b\" ".repeat(300_000))),
            false,
        ),
        hostile(
            "attributes, each another",
            html(&format!(
                "<p {}>x",
                (0..300_000).fold(String::new(), |mut all, number| {
                    let _ = write!(all, "a{number} ");
                    all
                })
            )),
            false,
        ),
        hostile(
            "one link again and again",
            text(&"http://a ".repeat(450_000)),
            true,
        ),
        hostile(
            "comments",
            html(&"<!-- -- > --!><!-".repeat(120_000)),
            false,
        ),
        hostile(
            "styles",
            html(&format!(
                "<style>{}</style><p class=a>x",
                ".a .b .c{color:#fff}".repeat(80_000)
            )),
            false,
        ),
        hostile(
            "colours on colours",
            html(&"<div style='color:#fff;background:#fff'>x".repeat(40_000)),
            false,
        ),
        hostile(
            "soft line ends",
            of_type(
                "text/plain\r\nContent-Transfer-Encoding: quoted-printable",
                &chunk,
            ),
            false,
        ),
        hostile(
            "encoded words",
            format!("Subject: {}\r\n\r\ntext", "=?utf-8?q?=41?= ".repeat(15_000)),
            false,
        ),
        hostile(
            "broken encoded words",
            format!("Subject: {}\r\n\r\ntext", "=?utf-8?q?".repeat(25_000)),
            false,
        ),
        hostile(
            "comments in addresses",
            format!("From: {}a@x.example\r\n\r\ntext", "(".repeat(200_000)),
            false,
        ),
        hostile(
            "a hundred thousand recipients",
            format!("To: {}\r\n\r\ntext", "a@x.example, ".repeat(100_000)),
            true,
        ),
        hostile(
            "groups",
            format!("To: {}\r\n\r\ntext", "g: a@x.example; ".repeat(15_000)),
            false,
        ),
        hostile(
            "references",
            format!(
                "References: {}\r\n\r\ntext",
                "<a@x.example> ".repeat(18_000)
            ),
            false,
        ),
        hostile(
            "quotes in quotes",
            text(&format!("{} text", ">".repeat(200_000))),
            false,
        ),
        hostile(
            "quotes of every depth",
            text(
                &(0..3_000)
                    .map(|n| format!("{} x\r\n", ">".repeat(n)))
                    .collect::<String>(),
            ),
            true,
        ),
        hostile(
            "a line of ten million letters",
            text(&"a".repeat(10_000_000)),
            true,
        ),
        hostile(
            "combining marks",
            text(&format!("a{}", "\u{301}".repeat(2_000_000))),
            false,
        ),
        hostile(
            "links",
            text(&(0..100_000).fold(String::new(), |mut out, number| {
                let _ = write!(out, "https://x.example/{number} ");
                out
            })),
            true,
        ),
        hostile("nearly links", text(&"https://".repeat(300_000)), false),
        hostile("a drawing", text(&"+-+|  |   |\r\n".repeat(200_000)), true),
        hostile(
            "paragraphs of one line",
            text(&"On 1 x wrote:\r\n\r\n".repeat(600_000)),
            true,
        ),
        hostile("octets in the headers of parts", octets_in_headers(), true),
        hostile(
            "words of charsets that nobody knows",
            words_in_headers(),
            true,
        ),
        hostile("uuencode", text(&"begin 644 a\r\n".repeat(200_000)), false),
        hostile(
            "files in the text",
            text(&"begin 644 a\r\n#86%A\r\n`\r\nend\r\n".repeat(20_000)),
            true,
        ),
        hostile(
            "a calendar of 100,000 events",
            of_type(
                "text/calendar",
                &format!(
                    "BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n",
                    "BEGIN:VEVENT\r\nSUMMARY:x\r\nEND:VEVENT\r\n".repeat(100_000)
                ),
            ),
            true,
        ),
        hostile(
            "a calendar without ends",
            of_type("text/calendar", &"BEGIN:VEVENT\r\n".repeat(100_000)),
            false,
        ),
        hostile(
            "a recurrence",
            of_type(
                "text/calendar",
                &format!(
                    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20261124T140000Z\r\nRRULE:FREQ=SECONDLY;COUNT=4294967295;BYDAY={}MO\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
                    "MO,".repeat(100_000)
                ),
            ),
            false,
        ),
        hostile(
            "a report of 100,000 recipients",
            of_type(
                "message/delivery-status",
                &"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\n\r\n".repeat(100_000),
            ),
            true,
        ),
        hostile(
            "an Outlook file of nothing",
            of_type(
                "application/ms-tnef\r\nContent-Transfer-Encoding: base64",
                &base64(&tnef_bomb()),
            ),
            false,
        ),
    ]
}

/// A winmail.dat whose compressed text says that it has four gigabytes.
fn tnef_bomb() -> Vec<u8> {
    let mut rtf = Vec::new();
    rtf.extend_from_slice(&1_000u32.to_le_bytes());
    rtf.extend_from_slice(&u32::MAX.to_le_bytes());
    rtf.extend_from_slice(b"LZFu\0\0\0\0");
    // References to one place, each 17 octets long.
    rtf.extend([0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff].repeat(100_000));
    let mut properties = 1u32.to_le_bytes().to_vec();
    properties.extend_from_slice(&[0x02, 0x01, 0x09, 0x10]);
    properties.extend_from_slice(&1u32.to_le_bytes());
    properties.extend_from_slice(&u32::try_from(rtf.len()).expect("short").to_le_bytes());
    properties.extend_from_slice(&rtf);
    let mut tnef = vec![0x78, 0x9f, 0x3e, 0x22, 1, 0, 1];
    tnef.extend_from_slice(&[0x03, 0x90, 0x06, 0x00]);
    tnef.extend_from_slice(
        &u32::try_from(properties.len())
            .expect("short")
            .to_le_bytes(),
    );
    tnef.extend_from_slice(&properties);
    tnef.extend_from_slice(&[0, 0]);
    tnef
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

/// Parts whose headers are full of letters in a charset that is not said.
fn octets_in_headers() -> Vec<u8> {
    let mut mail = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for _ in 0..1_200 {
        mail.extend_from_slice(b"--b\r\nContent-Type: text/plain\r\n");
        for _ in 0..20 {
            mail.extend_from_slice(b"X-A: ");
            mail.extend_from_slice(&[0xe4, 0xf6].repeat(400));
            mail.extend_from_slice(b"\r\n");
        }
        mail.extend_from_slice(b"\r\nx\r\n");
    }
    mail
}

/// The same with encoded words.
fn words_in_headers() -> Vec<u8> {
    let words: String = (0..1_500).fold("X-A: x".to_owned(), |mut out, number| {
        let _ = write!(out, "\r\n =?x-{number}?B?k/r/gME=?=");
        out
    });
    let part = format!("--b\r\nContent-Type: text/plain\r\n{words}\r\n\r\nx\r\n");
    format!(
        "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        part.repeat(1_200)
    )
    .into_bytes()
}
