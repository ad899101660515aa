//! The lines of plain text: how deep they are quoted, how they flow, where the signature begins.

use super::tail;

/// A line without its quote marks.
#[derive(Clone, Debug)]
pub struct Line {
    /// How deep it is quoted.
    pub depth: u8,
    /// What is left of it.
    pub text: String,
}

impl Line {
    /// True if there is nothing to see in it.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Returns how many spaces it begins with.
    pub fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }
}

/// Splits off `>`, `> >`, `>>` and the one space after them.
pub fn unquoted(line: &str) -> Line {
    let (mut rest, mut depth) = (line, 0u8);
    while let Some(inner) = rest
        .strip_prefix('>')
        .or_else(|| rest.strip_prefix(" >").filter(|_| depth > 0))
    {
        depth = depth.saturating_add(1);
        rest = inner;
    }
    let text = if depth > 0 {
        rest.strip_prefix(' ').unwrap_or(rest)
    } else {
        rest
    };
    Line {
        depth,
        text: text.to_owned(),
    }
}

/// Joins the lines of format=flowed (RFC 3676, section 4).
pub fn flowed(text: &str, del_sp: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut goes_on = false;
    for raw in text.lines() {
        let depth = raw.len() - raw.trim_start_matches('>').len();
        let depth_of_line = u8::try_from(depth).unwrap_or(u8::MAX);
        let unstuffed = raw[depth..].strip_prefix(' ').unwrap_or(&raw[depth..]);
        let is_rule = unstuffed == "-- ";
        let is_soft = unstuffed.ends_with(' ') && !is_rule;
        let text = match is_soft && del_sp {
            true => &unstuffed[..unstuffed.len() - 1],
            false if is_soft => unstuffed,
            false => unstuffed.trim_end(),
        };
        match lines
            .last_mut()
            .filter(|last| goes_on && last.depth == depth_of_line && !is_rule)
        {
            Some(last) => last.text.push_str(text),
            None => lines.push(Line {
                depth: depth_of_line,
                text: if is_rule {
                    "--".to_owned()
                } else {
                    text.to_owned()
                },
            }),
        }
        goes_on = is_soft;
    }
    lines
        .iter_mut()
        .for_each(|line| line.text.truncate(line.text.trim_end().len()));
    lines
}

/// Returns where the signature begins (`-- `), or the footer of a mailing list; the end if there is
/// neither.
pub fn signature_start(lines: &[Line]) -> usize {
    let is_start = |line: &Line, index: usize| {
        let left = lines.len() - index;
        let is_rule = line.depth == 0 && line.text.trim_end() == "--";
        let is_footer = line.depth == 0
            && line.text.len() >= FOOTER_RULE
            && line.text.bytes().all(|b| b == b'_')
            // An earlier mail begins so too.
            && !lines.get(index + 1).is_some_and(|next| tail::is_from(&next.text));
        (is_rule && left <= SIGNATURE_LINES) || (is_footer && left <= FOOTER_LINES)
    };
    let found = lines
        .iter()
        .enumerate()
        .position(|(index, line)| is_start(line, index));
    found.unwrap_or(lines.len())
}

/// Four lines are polite, companies add their legal text.
const SIGNATURE_LINES: usize = 30;

/// A mailing list's footer: a rule of underscores, and some lines.
const FOOTER_RULE: usize = 20;
const FOOTER_LINES: usize = 12;
