//! How answers go out: gathered, and messages read ahead in windows.

use std::{io, mem};

use tokio::{io::AsyncWriteExt, time};
use tokio_util::codec::Encoder;

use crate::{
    causes::chain,
    pop3::{
        codec::Output,
        response::{Code, Response},
    },
    server::{
        journal::Outcome,
        maildrop::Message,
        mbox::Excerpt,
        reader::{self, Direction, WINDOW},
        session::step::Body,
    },
    work,
};

use super::{Broken, Connection, Place};

/// With more than this in the answer's buffer, in octets, it is written out.
const FULL: usize = 128 * 1024;

impl Connection {
    /// Answers; true if the answer was positive.
    pub(super) async fn reply(&mut self, response: Response, body: Body) -> Result<bool, Broken> {
        let mut is_ok = response.is_ok();
        match body {
            Body::None => self.respond(response)?,
            Body::Lines(lines) => {
                self.respond(response)?;
                self.put(Output::Lines(lines))?;
                self.put(Output::End)?;
            }
            Body::Listing(listing) => {
                self.respond(response)?;
                for lines in listing {
                    self.put(Output::Lines(lines))?;
                    self.write_if_full().await?;
                }
                self.put(Output::End)?;
            }
            Body::Message { message, excerpt } => {
                match self
                    .fetch(&message, message.entry.body, message.end_of(&excerpt))
                    .await
                {
                    Ok(()) => {
                        self.respond(response)?;
                        self.send_message(&message, excerpt).await?;
                    }
                    Err(error) => {
                        is_ok = false;
                        self.respond(unreadable(&error))?;
                        tracing::error!(session = self.number, error = chain(&error));
                    }
                }
            }
        }
        self.write_if_full().await?;
        Ok(is_ok)
    }

    async fn send_message(
        &mut self,
        message: &Message,
        mut excerpt: Excerpt,
    ) -> Result<(), Broken> {
        let end = message.end_of(&excerpt);
        if end < message.entry.end {
            excerpt = excerpt.to_its_end();
        }
        let mut offset = message.entry.body;
        while offset < end && !excerpt.is_over() {
            // An error now leaves half an answer: all that can be done is to end.
            self.fetch(message, offset, end).await?;
            let Place::SignedIn(visit) = &self.place else {
                break;
            };
            let upto = end.min(offset + WINDOW);
            let Some(piece) = visit.window.slice(offset, upto) else {
                break;
            };
            let piece = if upto < end {
                whole_lines(piece)
            } else {
                piece
            };
            offset += piece.len() as u64;
            let (codec, output) = (&mut self.codec, &mut self.output);
            excerpt.push(piece, |part| codec.encode_body(part, output));
            self.write_if_full().await?;
        }
        self.put(Output::End)?;
        if let Place::SignedIn(visit) = &mut self.place {
            visit.previous = Some(message.clone());
        }
        Ok(())
    }

    /// Makes the window hold the message from there to there, as far as a window reaches.
    async fn fetch(
        &mut self,
        message: &Message,
        offset: u64,
        end: u64,
    ) -> Result<(), reader::Error> {
        let Place::SignedIn(visit) = &mut self.place else {
            return Err(reader::Error::Changed);
        };
        let upto = end.min(offset + WINDOW);
        let is_begun = offset > message.entry.body || visit.window.begins(message);
        if is_begun && visit.window.slice(offset, upto).is_some() {
            return Ok(());
        }
        let Some(reader) = visit.reader.clone() else {
            return Err(reader::Error::Changed);
        };
        let direction = Direction::between(visit.previous.as_ref(), message);
        let message = message.clone();
        let room = mem::take(&mut visit.window);
        let read = work::begin(move || {
            if offset == message.entry.body {
                reader.first(&message, direction, room)
            } else {
                reader.more(&message, offset, room)
            }
        });
        visit.window = read
            .await
            .map_err(|error| reader::Error::Read(io::Error::other(error)))??;
        Ok(())
    }

    pub(super) fn respond(&mut self, response: Response) -> Result<(), Broken> {
        self.put(Output::Line(response))
    }

    pub(super) fn put(&mut self, output: Output) -> Result<(), Broken> {
        Ok(self.codec.encode(output, &mut self.output)?)
    }

    async fn write_if_full(&mut self) -> Result<(), Broken> {
        if self.output.len() >= FULL {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Broken> {
        let mut written = 0;
        while written < self.output.len() {
            let (deadline, outcome) = self.deadline();
            let write = self.stream.write(&self.output[written..]);
            match time::timeout_at(deadline, write).await {
                Ok(Ok(0)) => return Err(Broken::Ended(Outcome::Lost)),
                Ok(Ok(more)) => written += more,
                Ok(Err(error)) => return Err(error.into()),
                // A client that does not read holds up nobody but itself, and not for ever.
                Err(_) => return Err(Broken::Ended(outcome)),
            }
        }
        self.journal.octets += written as u64;
        self.output.clear();
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> Result<(), Broken> {
        if self.output.is_empty() {
            return Ok(());
        }
        self.write().await?;
        let (deadline, outcome) = self.deadline();
        match time::timeout_at(deadline, self.stream.flush()).await {
            Ok(flushed) => Ok(flushed?),
            Err(_) => Err(Broken::Ended(outcome)),
        }
    }
}

fn unreadable(error: &reader::Error) -> Response {
    let text = match error {
        reader::Error::Read(_) => "the message cannot be read now",
        reader::Error::Changed => {
            "another program has changed the mailbox: sign in again to see what it holds"
        }
    };
    Response::err_with(Code::SysTemp, text)
}

/// The piece up to its last line end; all of it if it is a part of one long line.
fn whole_lines(piece: &[u8]) -> &[u8] {
    match memchr::memrchr(b'\n', piece) {
        Some(newline) => &piece[..=newline],
        None => piece,
    }
}
