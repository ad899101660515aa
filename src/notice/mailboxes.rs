//! Mailboxes as RFC 5322 allows them and hardly anybody writes them: comments within an address, a quoted local part
//! without brackets, a name of several quoted parts (§3.2.2, §3.4, §3.4.1). They are written anew as all programs
//! write them.

/// A piece of a field.
#[derive(Clone, Debug)]
enum Piece {
    Word(String),
    /// What stands between quotes, with its backslashes.
    Quoted(String),
    /// What stands in parentheses.
    Comment(String),
    /// `<…>`
    Address(String),
    /// `,`, `;` or `:`
    Mark(char),
    Space,
}

/// Returns the text of a field with its mailboxes as all programs write them; none if they are.
pub(super) fn as_usual(text: &str) -> Option<String> {
    if !text.contains(['"', '(']) && !text.contains("<<") {
        return None;
    }
    let pieces = pieces(text);
    let mut written = String::new();
    let mut is_changed = false;
    for group in pieces.split_inclusive(|piece| matches!(piece, Piece::Mark(_))) {
        let (mailbox, mark) = match group.split_last() {
            Some((Piece::Mark(mark), mailbox)) => (mailbox, Some(*mark)),
            Some(_) | None => (group, None),
        };
        let usual = rewritten(mailbox);
        is_changed |= usual.is_some();
        written += &usual.unwrap_or_else(|| mailbox.iter().map(Piece::text).collect());
        written.extend(mark);
        written.push(' ');
    }
    is_changed.then_some(written)
}

impl Piece {
    fn text(&self) -> String {
        match self {
            Piece::Word(text) => text.clone(),
            Piece::Quoted(text) => format!("\"{text}\""),
            Piece::Comment(text) => format!("({text})"),
            Piece::Address(text) => format!("<{text}>"),
            Piece::Mark(mark) => mark.to_string(),
            Piece::Space => " ".to_owned(),
        }
    }
}

/// A mailbox written anew, if it is written in another way than most are.
fn rewritten(mailbox: &[Piece]) -> Option<String> {
    let mut addresses = mailbox.iter().filter_map(|piece| match piece {
        Piece::Address(address) => Some(address),
        _ => None,
    });
    let address = addresses.next();
    // Which of several is meant is not for this to say.
    if addresses.next().is_some() {
        return None;
    }
    let encoded = |piece: &Piece| matches!(piece, Piece::Word(word) if word.contains("=?"));
    if mailbox.iter().any(encoded) {
        return None;
    }
    match address {
        Some(address) => {
            let bare = address.trim_start_matches('<');
            let name: Vec<String> = mailbox.iter().filter_map(of_name).collect();
            let has_quoted = mailbox
                .iter()
                .any(|piece| matches!(piece, Piece::Quoted(_)));
            let is_odd = bare.len() < address.len() || (has_quoted && name.len() > 1);
            is_odd.then(|| format!("\"{}\" <{bare}>", name.join(" ")))
        }
        None => {
            let at = mailbox
                .iter()
                .position(|piece| matches!(piece, Piece::Word(word) if word.contains('@')))?;
            // Up to the next space it is all one address.
            let is_space = |piece: &Piece| matches!(piece, Piece::Space);
            let start = mailbox[..at]
                .iter()
                .rposition(is_space)
                .map_or(0, |space| space + 1);
            let end = mailbox[at..]
                .iter()
                .position(is_space)
                .map_or(mailbox.len(), |space| at + space);
            let own = &mailbox[start..end];
            if own.len() < 2 {
                return None;
            }
            let without_comments = own
                .iter()
                .filter(|piece| !matches!(piece, Piece::Comment(_)));
            let address: String = without_comments.map(Piece::text).collect();
            let name = mailbox[end..].iter().find_map(|piece| match piece {
                Piece::Comment(name) => Some(format!("\"{}\" ", between_quotes(name))),
                _ => None,
            });
            Some(format!("{}<{address}>", name.unwrap_or_default()))
        }
    }
}

/// A part of a name.
fn of_name(piece: &Piece) -> Option<String> {
    match piece {
        Piece::Word(text) | Piece::Quoted(text) => Some(between_quotes(text)),
        Piece::Comment(_) | Piece::Address(_) | Piece::Mark(_) | Piece::Space => None,
    }
}

/// Text as it may stand between quotes, whatever it ends in: the address behind it stays one.
fn between_quotes(text: &str) -> String {
    text.replace('\\', "").replace('"', "'")
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text.trim().chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => pieces.push(Piece::Quoted(until(&mut rest, '"', None))),
            '(' => pieces.push(Piece::Comment(until(&mut rest, ')', Some('(')))),
            '<' => {
                pieces.push(Piece::Address(until(&mut rest, '>', None)));
                while rest.next_if_eq(&'>').is_some() {}
            }
            ',' | ';' | ':' => pieces.push(Piece::Mark(c)),
            c if c.is_whitespace() => {
                if !matches!(pieces.last(), Some(Piece::Space)) {
                    pieces.push(Piece::Space);
                }
            }
            c => {
                let mut word = String::from(c);
                while let Some(c) = rest.next_if(|c| !c.is_whitespace() && !"\"(<,;:".contains(*c))
                {
                    word.push(c);
                }
                pieces.push(Piece::Word(word));
            }
        }
    }
    pieces
}

/// What stands before the sign that ends it; such that begins another one inside is counted.
fn until(
    rest: &mut std::iter::Peekable<impl Iterator<Item = char>>,
    end: char,
    begin: Option<char>,
) -> String {
    let mut found = String::new();
    let mut depth = 1_u32;
    while let Some(c) = rest.next() {
        if c == '\\' {
            found.push(c);
            found.extend(rest.next());
            continue;
        }
        depth += u32::from(Some(c) == begin);
        depth -= u32::from(c == end);
        if depth == 0 {
            break;
        }
        found.push(c);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::notice::Notice;

    #[test]
    fn mailboxes_are_read_however_they_are_written() {
        for (field, name, address) in [
            ("\"ann.lee\"@team.example", "", "\"ann.lee\"@team.example"),
            ("ann(c)@team.example", "", "ann@team.example"),
            ("ann@(c)team.example", "", "ann@team.example"),
            (
                "ann(the one)@team.example (Ann Lee (HR))",
                "Ann Lee (HR)",
                "ann@team.example",
            ),
            (
                "Bob \"The Builder\" B <bob@x.example>",
                "Bob The Builder B",
                "bob@x.example",
            ),
            (
                "\"Ann\" \"Lee\" <ann@team.example>",
                "Ann Lee",
                "ann@team.example",
            ),
            (
                "Ann Lee <<ann@team.example>>",
                "Ann Lee",
                "ann@team.example",
            ),
            (
                "\"Ann\" Lee\\ <ann@team.example>",
                "Ann Lee",
                "ann@team.example",
            ),
            (
                "\"Ann \\\"Al\\\" Lee\" B <ann@team.example>",
                "Ann 'Al' Lee B",
                "ann@team.example",
            ),
            // As most write them.
            (
                "\"Lee, Ann\" <ann@team.example>",
                "Lee, Ann",
                "ann@team.example",
            ),
            ("ann@team.example (Ann Lee)", "Ann Lee", "ann@team.example"),
            ("Ann Lee <ann@team.example>", "Ann Lee", "ann@team.example"),
        ] {
            let mail = format!("From: {field}\nTo: Tom <tom@team.example>, {field}\n\nx\n");
            let notice = Notice::parse(mail.as_bytes());
            for (list, count) in [(&notice.from, 1), (&notice.to, 2)] {
                assert_eq!(list.len(), count, "{field}: {list:?}");
                let found = &list[count - 1];
                assert_eq!(
                    (found.name.as_str(), found.address.as_str()),
                    (name, address),
                    "{field}"
                );
            }
        }
    }
}
