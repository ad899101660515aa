//! A picture as it is drawn: made for so many columns and rows, off the loop.

use std::{fmt, sync::Arc};

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use ratatui_image::sliced::{SignedPosition, SlicedImage, SlicedProtocol};

/// A picture, ready to be drawn.
#[derive(Clone)]
pub struct Picture(Arc<SlicedProtocol>);

impl Picture {
    /// A picture that was made for the terminal.
    pub fn new(made: SlicedProtocol) -> Picture {
        Picture(Arc::new(made))
    }

    /// How many rows it takes.
    pub fn rows(&self) -> u16 {
        self.0.size().height
    }

    /// Draws its rows from one on, as many as an area has.
    pub(super) fn draw(&self, from: u16, area: Rect, buffer: &mut Buffer) {
        let is_cut_below = self.rows() > from.saturating_add(area.height);
        // The library would draw too many of them.
        if from > 0 && is_cut_below && matches!(*self.0, SlicedProtocol::Sliced(_)) {
            return;
        }
        let Ok(from) = i16::try_from(from) else {
            return;
        };
        SlicedImage::new(&self.0, SignedPosition::from((0, -from))).render(area, buffer);
    }
}

/// A picture in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The line of the text at which it begins. It and those below it are empty.
    pub line: usize,
    /// The picture.
    pub picture: Picture,
}

impl PartialEq for Picture {
    fn eq(&self, other: &Picture) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_fmt(format_args!("picture of {:?}", self.0.size()))
    }
}
