//! A picture as it is drawn: made for so many columns and rows, off the loop.

use std::{fmt, sync::Arc};

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use ratatui_image::{Image, protocol::Protocol};

/// A picture, ready to be drawn.
#[derive(Clone)]
pub struct Picture(Arc<Protocol>);

impl Picture {
    /// A picture that was made for the terminal.
    pub fn new(made: Protocol) -> Picture {
        Picture(Arc::new(made))
    }

    /// How many rows it takes.
    pub fn rows(&self) -> u16 {
        self.0.size().height
    }

    /// Draws it at the upper left of an area; nothing if it does not fit there.
    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer) {
        Image::new(&self.0).render(area, buffer);
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
