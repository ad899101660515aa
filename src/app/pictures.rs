//! Attached pictures made ready for the terminal.

use std::{
    borrow::Cow,
    io::Cursor,
    sync::{Arc, OnceLock},
};

use crossterm::terminal;
use image::{DynamicImage, ImageReader, Limits};
use ratatui::layout::Size;
use ratatui_image::{
    FilterType, FontSize, Resize,
    errors::Errors,
    picker::{Picker, ProtocolType},
    sliced::SlicedProtocol,
};

use super::kitty;
use crate::{
    config::Images,
    notice::{Line, Notice, Run, Style, files, guard, inside},
    tui::picture::{Picture, Placed},
};

/// Makes pictures for this terminal.
#[derive(Clone, Debug, Default)]
pub(super) struct Pictures {
    picker: Option<Picker>,
    /// Where kitty is not said but found: whether it is one that can, once somebody wants to know.
    may_be_old: bool,
    is_old: Arc<OnceLock<bool>>,
}

impl Pictures {
    /// As the settings and the terminal have it.
    pub fn new(images: Images) -> Pictures {
        let kind = match images {
            Images::Off => return Pictures::default(),
            Images::Auto => None,
            Images::Kitty => Some(ProtocolType::Kitty),
            Images::Iterm => Some(ProtocolType::Iterm2),
            Images::Sixel => Some(ProtocolType::Sixel),
            Images::Blocks => Some(ProtocolType::Halfblocks),
        };
        // The library would have tmux let everything through for good, to find out what is around it: only
        // for somebody who has said what that is.
        let mut picker = match kind.is_none() && is_inside_other() {
            true => Picker::halfblocks(),
            false => picker(),
        };
        let may_be_old = kind.is_none() && kitty::is_kitty() && !is_inside_other();
        match kind {
            Some(kind) => picker.set_protocol_type(kind),
            None if may_be_old => picker.set_protocol_type(ProtocolType::Kitty),
            None => {}
        }
        Pictures {
            picker: Some(picker),
            may_be_old,
            is_old: Arc::default(),
        }
    }

    /// What makes them; none if they are not shown. It may take as long as starting a program.
    fn picker(&self) -> Option<Cow<'_, Picker>> {
        let picker = self.picker.as_ref()?;
        let is_old = self.may_be_old && *self.is_old.get_or_init(kitty::is_too_old);
        Some(match is_old {
            true => {
                let mut blocks = picker.clone();
                blocks.set_protocol_type(ProtocolType::Halfblocks);
                Cow::Owned(blocks)
            }
            false => Cow::Borrowed(picker),
        })
    }

    /// Makes a picture that fits into so many columns and rows, and says how large it is.
    ///
    /// # Errors
    ///
    /// It is no picture, too large, or none are shown here; in words.
    pub fn make(&self, bytes: &[u8], columns: u16, rows: u16) -> Result<(Picture, String), String> {
        let picker = self.picker().ok_or("pictures are not shown here")?;
        let made = guard::without_panic(|| {
            let image = decoded(bytes)?;
            let words = format!("{} x {} pixels", image.width(), image.height());
            let made = sliced(&picker, image, Size::new(columns.max(1), rows.max(1)));
            let made = made.map_err(|error| format!("it cannot be shown: {error}"))?;
            Ok((Picture::new(made), words))
        });
        made.unwrap_or_else(|| Err("it cannot be decoded".to_owned()))
    }
}

impl Pictures {
    /// Puts the pictures that belong into a text below it, each under its name, and says at which lines they
    /// stand. What cannot be shown stays among the files.
    pub fn put_below(
        &self,
        lines: &mut Vec<Line>,
        notice: &Notice,
        mail: &[u8],
        (columns, rows): (u16, u16),
    ) -> Vec<Placed> {
        let belonging = notice.files.iter().filter(|file| file.inline);
        let belonging = belonging.filter(|file| inside::is_picture(file));
        let (mut placed, mut left) = (Vec::new(), MOST_PIXELS_BELOW);
        for file in belonging.take(MOST_BELOW) {
            let bytes = files::bytes(mail, file.place).filter(|bytes| {
                // Before anything is decoded.
                let pixels = pixels(bytes).unwrap_or(u64::MAX);
                let fits = pixels <= left;
                left -= if fits { pixels } else { 0 };
                fits
            });
            let made = bytes.and_then(|bytes| self.make(&bytes, columns, rows * 2 / 3).ok());
            // Lines and counters of readers are no pictures.
            let Some((picture, _)) = made.filter(|(picture, _)| picture.rows() > 1) else {
                continue;
            };
            lines.push(Line::default());
            let name = Run {
                text: file.name.clone(),
                style: Style::Muted,
                link: None,
            };
            lines.push(Line { runs: vec![name] });
            placed.push(Placed {
                line: lines.len(),
                picture: picture.clone(),
            });
            lines.resize(lines.len() + usize::from(picture.rows()), Line::default());
        }
        placed
    }
}

/// Makes a picture of which any rows can be drawn, no larger than it is.
fn sliced(picker: &Picker, image: DynamicImage, room: Size) -> Result<SlicedProtocol, Errors> {
    let (fit, font) = (Resize::Fit(Some(FilterType::Triangle)), picker.font_size());
    let size = fit.size_for(&image, font, room);
    // For this one the library cuts it into rows itself, and makes it smaller without care.
    let image = match picker.protocol_type() {
        ProtocolType::Iterm2 => fit.resize(&image, font, size, None),
        ProtocolType::Kitty | ProtocolType::Sixel | ProtocolType::Halfblocks => image,
    };
    SlicedProtocol::new(picker, image, Some(size))
}

/// Decodes a picture within its limits.
fn decoded(bytes: &[u8]) -> Result<DynamicImage, String> {
    // Before anything is decoded.
    let (width, height) = size(bytes)?;
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!(
            "{width} x {height} pixels are too many: w saves it"
        ));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_PIXELS * OCTETS_A_PIXEL);
    let mut reader = reader(bytes)?;
    reader.limits(limits);
    reader
        .decode()
        .map_err(|error| format!("it cannot be decoded: {error}"))
}

/// How many pixels a picture says that it has.
fn pixels(bytes: &[u8]) -> Option<u64> {
    let (width, height) = guard::without_panic(|| size(bytes).ok())??;
    Some(u64::from(width) * u64::from(height))
}

fn size(bytes: &[u8]) -> Result<(u32, u32), String> {
    let size = reader(bytes)?.into_dimensions();
    size.map_err(|error| format!("it cannot be decoded: {error}"))
}

fn reader(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, String> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    reader.map_err(|error| format!("it cannot be decoded: {error}"))
}

/// By the environment and the size of a cell alone: the answer to a question would come in among the keys.
#[expect(deprecated, reason = "the way that is not asks the terminal")]
fn picker() -> Picker {
    let size = terminal::window_size().ok();
    let cell = size.filter(|size| size.width > 0 && size.columns > 0 && size.rows > 0);
    let font = match cell {
        Some(size) => FontSize::new(size.width / size.columns, size.height / size.rows),
        None => return Picker::halfblocks(),
    };
    Picker::from_fontsize(font)
}

/// True inside tmux or screen.
fn is_inside_other() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_named = |name: &str| {
        std::env::var(name)
            .is_ok_and(|value| value.starts_with("tmux") || value.starts_with("screen"))
    };
    is_set("TMUX") || is_set("STY") || is_named("TERM") || is_named("TERM_PROGRAM")
}

/// More pictures in one text, or of more pixels together, are not decoded without being asked for.
const MOST_BELOW: usize = 10;
const MOST_PIXELS_BELOW: u64 = 20_000_000;

/// SECURITY.md P2.5: more are not decoded.
const MOST_PIXELS: u64 = 40_000_000;

/// Red, green, blue, and how much of each; some formats take two octets for one.
const OCTETS_A_PIXEL: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height)
            .write_to(&mut bytes, image::ImageFormat::Png)
            .expect("a picture");
        bytes.into_inner()
    }

    #[test]
    fn a_picture_fits_into_its_room_and_says_its_size() {
        let pictures = Pictures::new(Images::Blocks);

        let (picture, words) = pictures.make(&png(400, 100), 20, 10).expect("it is made");

        assert_eq!(words, "400 x 100 pixels");
        assert!((1..=5).contains(&picture.rows()), "{picture:?}");
    }

    #[test]
    fn pictures_that_belong_into_a_text_stand_below_it() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let picture = |id: &str, (width, height): (u32, u32)| {
            let bytes = STANDARD.encode(png(width, height));
            format!(
                "--b\r\nContent-Type: image/png; name={id}.png\r\nContent-ID: <{id}>\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n{bytes}\r\n"
            )
        };
        let mail = format!(
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/html\r\n\r\n<p>See<img src='cid:map'><img src='cid:dot'>\r\n\
             {}{}--b--\r\n",
            picture("map", (400, 100)),
            picture("dot", (1, 1)),
        );
        let notice = Notice::parse(mail.as_bytes());
        let mut lines = notice.lines(20, Default::default());
        let text = lines.len();

        let pictures = Pictures::new(Images::Blocks);
        let placed = pictures.put_below(&mut lines, &notice, mail.as_bytes(), (20, 10));

        let [only] = &placed[..] else {
            panic!("{placed:?}")
        };
        assert_eq!(lines[text + 1].runs[0].text.as_str(), "map.png");
        assert_eq!(only.line, text + 2);
        let rows = usize::from(only.picture.rows());
        assert_eq!(lines.len(), text + 2 + rows);
        assert!(lines[only.line..].iter().all(|line| line.runs.is_empty()));
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_said() {
        let pictures = Pictures::new(Images::Blocks);
        // Its head says more pixels than anybody decodes; nothing of them is there.
        let mut huge = png(1, 1);
        huge[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let end = crc(&huge[12..29]);
        huge[29..33].copy_from_slice(&end.to_be_bytes());

        let broken = pictures
            .make(b"\x89PNG\r\n\x1a\nno", 20, 10)
            .expect_err("no picture");
        let large = pictures.make(&huge, 20, 10).expect_err("too large");

        assert!(broken.starts_with("it cannot be decoded"), "{broken}");
        assert_eq!(large, "65535 x 65535 pixels are too many: w saves it");
        let off = Pictures::new(Images::Off);
        assert!(off.make(&png(1, 1), 20, 10).is_err());
    }

    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = !0u32;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (!(crc & 1)).wrapping_add(1));
            }
        }
        !crc
    }
}
