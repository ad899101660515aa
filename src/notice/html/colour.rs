//! Letters in the colour of their ground, which nobody is meant to see.
//!
//! Only what a mail says beside its text is believed: where a style sheet may say otherwise, nothing is hidden.

use html2text::Handle;

use super::{node::attribute, source::Source};

/// Red, green and blue.
type Rgb = [u8; 3];

/// The colours at a place, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Colours {
    ink: Option<Rgb>,
    ground: Option<Rgb>,
}

impl Colours {
    /// Those of a document: it is white unless it speaks of grounds.
    pub fn of(source: &Source) -> Colours {
        Colours {
            ink: None,
            ground: (!source.has_grounds).then_some([255; 3]),
        }
    }

    /// Those within an element.
    pub fn within(self, node: &Handle, name: &str, source: &Source) -> Colours {
        let style = attribute(node, "style").unwrap_or_default();
        // A sheet may speak of any element.
        let inherited = match source.has_sheet {
            true => Colours::default(),
            false => self,
        };
        let ink = declared(&style, "color")
            .or_else(|| attribute(node, "color").map(|value| rgb(&value)))
            // Links have a colour of their own.
            .or((name == "a").then_some(None));
        let has_picture =
            attribute(node, "background").is_some() || style.to_ascii_lowercase().contains("url(");
        let ground = has_picture
            .then_some(None)
            .or_else(|| declared(&style, "background-color"))
            .or_else(|| declared(&style, "background"))
            .or_else(|| attribute(node, "bgcolor").map(|value| rgb(&value)));
        Colours {
            ink: ink.unwrap_or(inherited.ink),
            ground: ground.unwrap_or(inherited.ground),
        }
    }

    /// True if letters are not to be told from their ground.
    pub fn is_unseen(self) -> bool {
        let (Some(ink), Some(ground)) = (self.ink, self.ground) else {
            return false;
        };
        ink.iter()
            .zip(ground)
            .all(|(ink, ground)| ink.abs_diff(ground) <= ALIKE)
    }
}

/// The colour that a style gives to a property: none if it does not speak of it, `Some(None)` if it names one
/// that is not known here.
fn declared(style: &str, property: &str) -> Option<Option<Rgb>> {
    let mut declarations = style.split(';').rev();
    declarations.find_map(|declaration| {
        let (name, value) = declaration.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case(property)
            .then(|| rgb(value.trim().trim_end_matches("!important")))
    })
}

/// A colour as `#fff`, `#ffffff`, `rgb(255, 255, 255)`, `white` or `black`.
fn rgb(value: &str) -> Option<Rgb> {
    let value = value.trim().to_ascii_lowercase();
    let digits = value.strip_prefix('#').unwrap_or(&value);
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let pair = |text: &str| u8::from_str_radix(text, 16).ok();
    match value.as_str() {
        "white" => Some([255; 3]),
        "black" => Some([0; 3]),
        _ if is_hex && digits.len() == 6 => Some([
            pair(&digits[..2])?,
            pair(&digits[2..4])?,
            pair(&digits[4..])?,
        ]),
        _ if is_hex && digits.len() == 3 => {
            let twice = |place: usize| pair(&digits[place..=place].repeat(2));
            Some([twice(0)?, twice(1)?, twice(2)?])
        }
        _ => {
            let inner = value.strip_prefix("rgb(")?.strip_suffix(')')?;
            let mut parts = inner.split(',').map(|part| part.trim().parse().ok());
            Some([parts.next()??, parts.next()??, parts.next()??])
        }
    }
}

/// Nobody sees a smaller difference.
const ALIKE: u8 = 8;

#[cfg(test)]
mod tests {
    use crate::notice::Notice;

    fn shown(html: &str) -> String {
        Notice::parse(format!("Content-Type: text/html\n\n{html}").as_bytes()).text()
    }

    #[test]
    fn letters_in_the_colour_of_their_ground_are_left_out() {
        for hidden in [
            "<font color=white>unseen</font>",
            "<p style=\"color:#fff;background:#fff\">unseen</p>",
            "<div style='background-color: rgb(250, 250, 250)'><span style='color:#FEFEFE'>unseen</span></div>",
            "<table bgcolor=\"#000000\"><tr><td style='color: black'>unseen</td></tr></table>",
        ] {
            let text = shown(&format!("<p>seen</p>{hidden}"));
            assert!(
                text.contains("seen\n") && !text.contains("unseen"),
                "{hidden}: {text}"
            );
        }
    }

    #[test]
    fn letters_that_may_be_seen_are_shown() {
        for visible in [
            "<table bgcolor=black><tr><td><font color=white>visible</font></td></tr></table>",
            "<style>.h {background: #000}</style><div class=h style='color:#fff'>visible</div>",
            "<td background='night.png'><font color='#ffffff'>visible</font></td>",
            "<div style='background:#fff'><font color=white><a href='https://x.example'>visible</a></font></div>",
            "<td bgcolor='#ffffff' background='night.png'><font color='#ffffff'>visible</font></td>",
            "<div style='background-color:#fff;background-image:url(x.png)'><b style='color:#fff'>visible</b></div>",
            "<style>td{background:#000}</style><div style='background:#fff'><table><tr><td><font color=white>visible",
            "<div style='background: url(x.png) #fff'><span style='color:#fff'>visible</span></div>",
        ] {
            let text = shown(&format!("<p>seen</p>{visible}"));
            assert!(text.contains("visible"), "{visible}: {text}");
        }
    }
}
