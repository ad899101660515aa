//! Links: where they lead, whatever they go through, and what is not as it seems.

use tidings::notice::{
    Notice,
    body::Options,
    links::{Link, Links},
};

fn link(label: &str, target: &str) -> Link {
    let mut links = Links::default();
    links.add(label, target).expect("a link");
    links.into_vec().remove(0)
}

#[test]
fn links_that_are_counted_are_shown_as_where_they_lead() {
    for (written, goal, through) in [
        (
            "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fteam.example%2Fnews%3Fa%3D1&data=05%7C02&reserved=0",
            "https://team.example/news?a=1",
            "eur01.safelinks.protection.outlook.com",
        ),
        (
            "https://www.google.com/url?q=https://team.example/a%26b&sa=D&source=editors",
            "https://team.example/a&b",
            "www.google.com",
        ),
        (
            "https://www.google.com/url?sa=t&url=https://team.example/",
            "https://team.example/",
            "www.google.com",
        ),
        (
            "https://urldefense.proofpoint.com/v2/url?u=https-3A__team.example_news-2Dpage_-3Fa-3D1&d=DwMF&c=x",
            "https://team.example/news-page/?a=1",
            "urldefense.proofpoint.com",
        ),
        (
            "https://urldefense.com/v3/__https://team.example/news*top__;Iw!!ABC!xyz$",
            "https://team.example/news#top",
            "urldefense.com",
        ),
        (
            "https://x1.r.eu-west-1.awstrack.me/L0/https:%2F%2Fteam.example%2Fnews%3Fa=1/1/0102-abc/def=12",
            "https://team.example/news?a=1",
            "x1.r.eu-west-1.awstrack.me",
        ),
        // One in the other.
        (
            "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.google.de%2Furl%3Fq%3Dhttps%253A%252F%252Fteam.example%252F",
            "https://team.example/",
            "eur01.safelinks.protection.outlook.com",
        ),
    ] {
        let link = link("read on", written);
        assert_eq!(link.target.as_str(), goal, "{written}");
        assert_eq!(link.through.as_deref(), Some(through));
        assert_eq!(link.warning, None);
    }
}

#[test]
fn a_text_is_held_against_where_it_leads_as_people_see_it() {
    for label in [
        "pay\u{200b}pal.com",
        "pay\u{2060}pal.com",
        "pay\u{ad}pal.com",
        "ｐａｙｐａｌ.com",
        "paypal。com",
        "paypal\u{2024}com",
        "help@paypal.com",
    ] {
        let warning = link(label, "https://evil.test/").warning;
        let words = warning.expect("a warning");
        assert_eq!(
            words.as_str(),
            "text says paypal.com, goes to evil.test",
            "{label}"
        );
    }
    for label in [
        "Mr.Smith",
        "file.mov",
        "write to help@paypal.com",
        "St.Gallen",
    ] {
        assert_eq!(link(label, "https://evil.test/").warning, None, "{label}");
    }
}

#[test]
fn an_address_that_stands_in_the_text_is_listed_only_where_a_number_asks_for_it() {
    let lines = |html: &str| {
        let notice = Notice::parse(format!("Content-Type: text/html\n\n{html}").as_bytes());
        let lines = notice.lines(78, Options::default());
        let words = lines
            .iter()
            .map(|line| line.runs.iter().map(|run| run.text.as_str()).collect());
        words.collect::<Vec<String>>().join("\n")
    };
    let own = "<p><a href='mailto:a@x.example'>a@x.example</a></p>";

    assert_eq!(lines(own), "a@x.example");
    assert_eq!(
        lines(&format!(
            "{own}<p><a href='mailto:a@x.example'>write us</a></p>"
        )),
        "a@x.example\n\nwrite us [1]\n\n[1] mailto:a@x.example"
    );
}

#[test]
fn links_that_hold_another_for_a_purpose_of_theirs_are_left_as_they_are() {
    for written in [
        "https://paypal.example/url?q=https://evil.test/login",
        "https://auth.team.example/magic/link?token=abc123&redirect_url=https://app.team.example/home",
        "https://team.example/sign/out?to=https://team.example/",
        "https://tracking.example/redirect?id=7&target=https%3A%2F%2Fteam.example%2Fa",
        "https://login.example/signin?return=https%3A%2F%2Fteam.example%2F",
        "https://team.example/confirm?token=1&url=https%3A%2F%2Fteam.example%2Fdone",
        "https://web.archive.org/web/2020/https://team.example/",
        "https://translate.google.com/translate?u=https%3A%2F%2Fteam.example",
        "https://news.example/redirect?url=javascript:alert(1)",
        "https://news.example/redirect?url=/inside",
        "https://news.example/redirect?url=https://localhost/",
        "https://urldefense.com/v3/__https://team.example/**A__;Iw!!ABC!xyz$",
        "https://urldefense.com/v3/__https://team.example/*a__;!!ABC!xyz$",
        "https://notawstrack.me/L0/https:%2F%2Fteam.example%2F",
        "mailto:priya@team.example?body=https://team.example",
    ] {
        let link = link("read on", written);
        assert_eq!(link.target.as_str(), written);
        assert_eq!(link.through, None);
    }
}

#[test]
fn a_text_is_held_against_where_a_link_leads_not_against_what_counts_it() {
    let counted = "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2F";

    let honest = link(
        "www.team.example/news",
        &format!("{counted}team.example%2Fnews"),
    );
    let false_one = link(
        "www.team.example/news",
        &format!("{counted}evil.test%2Fnews"),
    );

    assert_eq!(honest.warning, None);
    assert_eq!(
        false_one.warning.as_deref(),
        Some("text says www.team.example, goes to evil.test")
    );
}

#[test]
fn of_a_link_that_leads_on_it_is_said_where_to_and_the_text_is_held_against_that() {
    let leads_on = |link: &Link| link.leads_on.as_deref().map(str::to_owned);

    let counted = link(
        "team.example/news",
        "https://click.news.example/track?url=https%3A%2F%2Fteam.example%2Fnews",
    );
    assert_eq!(leads_on(&counted).as_deref(), Some("team.example"));
    assert_eq!(counted.warning, None);

    let false_one = link(
        "https://paypal.example/login",
        "https://paypal.example/url?q=https://evil.test/login",
    );
    assert_eq!(
        false_one.target.as_str(),
        "https://paypal.example/url?q=https://evil.test/login"
    );
    assert_eq!(
        false_one.warning.as_deref(),
        Some("text says paypal.example, leads on to evil.test")
    );

    // Its own address as its text hides nothing.
    let itself = "https://news.example/ct.php?u=https://team.example/a";
    assert_eq!(link(itself, itself).warning, None);
    let within = "https://team.example/redirect?url=https://team.example/a";
    assert_eq!(leads_on(&link("on", within)), None);
}
