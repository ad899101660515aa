//! The mails that an answer has below it without any marks: `-----Original Message-----`, or the headers of
//! the mail that was answered, as the programs of several languages write them.

use super::{Block, Content};
use crate::notice::Run;

/// Takes what stands below an answer for quoted. What is passed on, with nothing of the sender's own above
/// it, is left as it is.
pub(super) fn quote(blocks: &mut [Block]) {
    let Some(start) = (0..blocks.len()).find(|place| begins(&blocks[*place..])) else {
        return;
    };
    // A rule above it belongs to it.
    let start = match start.checked_sub(1).map(|before| &blocks[before].content) {
        Some(Content::Rule) => start - 1,
        Some(_) | None => start,
    };
    let is_own = |block: &Block| block.quote == 0 && !lines(block).is_empty();
    if !blocks[..start].iter().any(is_own) {
        return;
    }
    for block in &mut blocks[start..] {
        block.quote = block.quote.saturating_add(1);
    }
}

/// True if an earlier mail begins with the first of these blocks.
fn begins(blocks: &[Block]) -> bool {
    let Some(first) = blocks.first().filter(|block| block.quote == 0) else {
        return false;
    };
    if lines(first).is_empty() {
        return false;
    }
    let near = blocks.iter().filter(|block| block.quote == 0);
    // Some put a rule above it.
    let mut near = near
        .take(NEAR)
        .flat_map(lines)
        .skip_while(|line| is_rule(line))
        .take(NEAR);
    let Some(line) = near.next() else {
        return false;
    };
    if is_title(&line) {
        return true;
    }
    if is_attribution(first) {
        // Where the answer goes on between marked pieces, these say what is quoted.
        let next = blocks.iter().skip(1).find(|block| !lines(block).is_empty());
        return lines(first).len() > ATTRIBUTION_LINES || next.is_some_and(|next| next.quote == 0);
    }
    if !is_from(&line) {
        return false;
    }
    let has = |kind| near.clone().any(|line| has_label(&line, kind));
    let has_subject = near.clone().any(|line| is_labelled(&line, SUBJECT));
    // A form, or a journey, may have a line or two that look like these.
    has_subject && (has(SENT) || has(TO)) && near.clone().count() >= 2
}

/// True if a block begins by saying who wrote what follows, and when: `On Monday, 2 November, Tom wrote:`.
fn is_attribution(block: &Block) -> bool {
    let mut said = String::new();
    for line in lines(block).iter().take(ATTRIBUTION_LINES) {
        said.push_str(line.trim());
        said.push(' ');
        if line.trim_end().ends_with(':') {
            break;
        }
    }
    let said = said.trim_end().to_lowercase();
    let Some(stem) = said.strip_suffix(':').map(str::trim_end) else {
        return false;
    };
    stem.len() <= ATTRIBUTION_OCTETS
        && is_dated(stem)
        && ATTRIBUTIONS.iter().any(|(opening, verb)| {
            let is_end = stem.ends_with(verb);
            // In German and Dutch the name stands behind the verb.
            let is_within =
                matches!(*opening, "am " | "op ") && stem.contains(&format!(" {verb} "));
            stem.starts_with(opening) && (is_end || is_within)
        })
}

/// True if words say a year, a time of the day or an address, as programs do: `On 12 May the council wrote` is a person's.
fn is_dated(words: &str) -> bool {
    let mut words = words.split(|c: char| c.is_whitespace() || ",()<>".contains(c));
    words.any(|word| {
        let is_year = |part: &str| {
            part.len() == 4
                && part.bytes().all(|octet| octet.is_ascii_digit())
                && part.starts_with(['1', '2'])
        };
        let mut parts = word.split(['.', '/', '-']);
        let is_time = word.split_once([':', 'h']).is_some_and(|(hour, rest)| {
            let starts = |text: &str| {
                text.bytes()
                    .next()
                    .is_some_and(|octet| octet.is_ascii_digit())
            };
            hour.len() <= 2 && starts(hour) && starts(rest)
        });
        parts.any(is_year) || is_time || word.contains('@')
    })
}

/// True for a line with nothing but underscores in it.
fn is_rule(line: &str) -> bool {
    line.len() >= 10 && line.bytes().all(|b| b == b'_')
}

/// True for the line that says whom an earlier mail is from.
pub(super) fn is_from(line: &str) -> bool {
    has_label(line, FROM)
}

/// `-----Original Message-----`, with any number of dashes or underscores.
fn is_title(line: &str) -> bool {
    let is_ruled = |c: char| "-_=*".contains(c) || c.is_whitespace();
    let ruled = line.len() - line.trim_start_matches(is_ruled).len();
    let words = line
        .trim_matches(is_ruled)
        .to_lowercase()
        .replace('\u{2019}', "'");
    ruled >= 4 && TITLES.contains(&words.as_str())
}

fn has_label(line: &str, labels: &[&str]) -> bool {
    let rest = line.split_once([':', '：']).map(|(_, rest)| rest.trim());
    rest.is_some_and(|rest| !rest.is_empty()) && is_labelled(line, labels)
}

/// The same of a line that may have nothing behind its label, as that of no subject.
fn is_labelled(line: &str, labels: &[&str]) -> bool {
    let label = line.split_once([':', '：']).map(|(label, _)| label);
    label.is_some_and(|label| {
        let label = label.trim().trim_matches('*').to_lowercase();
        labels.contains(&label.as_str())
    })
}

/// The lines of a block that have something in them.
fn lines(block: &Block) -> Vec<String> {
    let text = |runs: &[Run]| runs.iter().map(|run| run.text.as_str()).collect::<String>();
    let all: Vec<String> = match &block.content {
        Content::Fixed(lines) => lines.iter().map(|line| text(line)).collect(),
        Content::Prose { runs, .. } => text(runs).lines().map(str::to_owned).collect(),
        Content::Table(table) => table
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| text(cell))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect(),
        Content::Gap | Content::Rule => Vec::new(),
    };
    let written = all.into_iter().filter(|line| !line.trim().is_empty());
    written.take(NEAR).collect()
}

/// English, German, French, Spanish, Italian, Portuguese, Dutch.
const TITLES: &[&str] = &[
    "original message",
    "original appointment",
    "ursprüngliche nachricht",
    "original-nachricht",
    "original nachricht",
    "originalnachricht",
    "ursprünglicher termin",
    "message d'origine",
    "message original",
    "mensaje original",
    "messaggio originale",
    "messaggio original",
    "mensagem original",
    "oorspronkelijk bericht",
    "origineel bericht",
];
const FROM: &[&str] = &["from", "von", "de", "da", "van"];
const SENT: &[&str] = &[
    "sent",
    "date",
    "gesendet",
    "datum",
    "envoyé",
    "date d'envoi",
    "enviado",
    "enviado el",
    "fecha",
    "inviato",
    "data",
    "enviada",
    "enviada em",
    "enviado em",
    "verzonden",
];
const TO: &[&str] = &["to", "an", "à", "para", "a", "aan", "per"];
const SUBJECT: &[&str] = &[
    "subject",
    "betreff",
    "objet",
    "asunto",
    "oggetto",
    "assunto",
    "onderwerp",
];

/// How an attribution begins, and its verb.
const ATTRIBUTIONS: &[(&str, &str)] = &[
    ("on ", "wrote"),
    ("am ", "schrieb"),
    ("le ", "a écrit"),
    ("el ", "escribió"),
    ("il ", "ha scritto"),
    ("em ", "escreveu"),
    ("op ", "schreef"),
];

/// Programs break it once or twice.
const ATTRIBUTION_LINES: usize = 3;
const ATTRIBUTION_OCTETS: usize = 300;

/// Headers follow one another closely.
const NEAR: usize = 8;

#[cfg(test)]
mod tests {
    use super::quote;
    use crate::notice::body::plain;

    fn quoted(text: &str) -> Vec<u8> {
        let mut blocks = plain::blocks(text, Default::default(), &mut Default::default());
        quote(&mut blocks);
        let written = blocks
            .iter()
            .filter(|block| !super::lines(block).is_empty());
        written.map(|block| block.quote).collect()
    }

    #[test]
    fn what_programs_of_seven_languages_put_below_an_answer_is_quoted() {
        let heads = [
            "-----Original Message-----",
            "________________________________\nFrom: Tom <tom@team.example>\nSent: Monday, 2 November 2026 10:00\nTo: all\nSubject: Fire drill",
            "-----Ursprüngliche Nachricht-----",
            "Von: Tom\nGesendet: Montag, 2. November 2026 10:00\nAn: alle\nBetreff: Übung",
            "De : Tom\nEnvoyé : lundi 2 novembre 2026\nÀ : tous\nObjet : Exercice",
            "De: Tom\nEnviado el: lunes, 2 de noviembre\nPara: todos\nAsunto: Simulacro",
            "Da: Tom\nInviato: lunedì 2 novembre\nA: tutti\nOggetto: Prova",
            "De: Tom\nEnviada em: segunda-feira\nPara: todos\nAssunto: Simulado",
            "Van: Tom\nVerzonden: maandag\nAan: allen\nOnderwerp: Oefening",
            "*From:* Tom\n*Date:* Monday\n*Subject:* Fire drill",
            "On Mon, 2 Nov 2026 at 10:00, Tom <tom@team.example> wrote:",
            "On Mon, 2 Nov 2026 at 10:00, Tom of the Facility Management <tom@team.example>\nwrote:",
            "Am 02.11.2026 um 10:00 schrieb Tom <tom@team.example>:",
            "Le lun. 2 nov. 2026 à 10:00, Tom a écrit :",
            "El lun, 2 nov 2026 a las 10:00, Tom escribió:",
            "Il giorno lun 2 nov 2026 alle ore 10:00 Tom ha scritto:",
            "Em seg., 2 de nov. de 2026 às 10:00, Tom escreveu:",
            "Op ma 2 nov 2026 om 10:00 schreef Tom:",
        ];
        for head in heads {
            let text = format!("I shall be there.\n\n{head}\n\nThe drill is at ten.\n");
            let found = quoted(&text);
            assert_eq!(found.first(), Some(&0), "{head}: {found:?}");
            assert!(
                found[1..].iter().all(|quote| *quote == 1),
                "{head}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_passed_on_or_only_looks_alike_is_not() {
        for text in [
            "From: Tom\nSent: Monday\nTo: all\nSubject: Fire drill\n\nThe drill is at ten.\n",
            "Hello,\n\nFrom: the kitchen, with love\n\nSoup today.\n",
            "Hello,\n\n-----\n\nThe original message was lost.\n",
            "Hello,\n\nOn 2 November the board wrote:\n",
            "Hello,\n\nOn 12 May the council wrote:\n\nNo.\n\nI disagree, and ask you all to sign.\n",
            "Hallo,\n\nAm 3. Mai schrieb uns der Vermieter:\n\nNein.\n\nIch bin dagegen.\n",
            "Hello,\n\nOn the 2nd floor somebody wrote: come in.\n\nBye.\n",
            "Hello,\n\n---------- Forwarded message ---------\nFrom: Tom\nSubject: Drill\n",
        ] {
            assert!(quoted(text).iter().all(|quote| *quote == 0), "{text}");
        }
    }
}

#[cfg(test)]
mod folding {
    use crate::notice::{Notice, body::Options};

    /// How many lines are shown of a mail with this subject.
    fn lines(subject: &str, body: &str) -> usize {
        let options = Options {
            folds_quotes: true,
            ..Options::default()
        };
        let mail = format!("Subject: {subject}\nIn-Reply-To: <a@x.example>\n\n{body}");
        Notice::parse(mail.as_bytes()).lines(78, options).len()
    }

    #[test]
    fn what_looks_like_the_head_of_a_mail_and_has_no_subject_is_the_sender_s_own() {
        let journey = format!(
            "The shuttle is booked:\n\nFrom: Gate 2\nTo: Airport\nDate: 24 November\n\n{}",
            "A line of the sender's own.\n\n".repeat(12)
        );
        assert!(lines("Re: Shuttle", &journey) > 20);

        let answered = journey.replace("Date: 24 November", "Date: 24 November\nSubject: Shuttle");
        assert!(lines("Re: Shuttle", &answered) < 10);
    }

    #[test]
    fn what_is_passed_on_within_its_mark_is_shown() {
        let passed_on = format!(
            "FYI\n\n> Begin forwarded message:\n>\n> From: Bob\n>\n{}",
            "> A line that was passed on.\n>\n".repeat(12)
        );
        assert!(lines("Fwd: Plan", &passed_on) > 20);

        let answered = passed_on.replace("Begin forwarded message:", "Hello");
        assert!(lines("Re: Plan", &answered) < 10);
    }
}
