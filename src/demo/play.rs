//! The loop: the story's beats, the readers' reports, the server's books and the person's wishes
//! come in; events go out. What happens when is the story's to decide.

use std::time::Duration;

use jiff::Timestamp;
use tokio::{
    sync::mpsc,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{
    demo::{
        Error,
        cast::Person,
        event::{Event, Wish},
        ledger::{Entry, Ledger},
        letters::Letter,
        stage::{Held, Stage},
        story::{Beat, Due, Story, TIPS},
        teammates::{self, Reader, Visit},
    },
    notice::{MailboxIndex, shown::Shown},
    poll::report::Report,
};

/// A demo under way.
#[derive(Debug)]
pub struct Play {
    /// The server.
    pub stage: Stage,
    /// What happens when.
    pub story: Story,
    /// The readers that are played here.
    pub readers: Vec<Reader>,
    /// The server's books.
    pub ledger: Ledger,
    /// Where everything is told.
    pub events: mpsc::Sender<Event>,
    /// When it began.
    pub began: Instant,
    /// How many seconds of the story go into one of ours.
    pub pace: f64,
    /// Notices sent so far, by the story and by the person.
    pub letters: usize,
    /// Notices sent by the person.
    pub yours: usize,
    /// Ends the session that holds the mailbox, once this reader has run into it.
    pub collision: Option<(Person, CancellationToken)>,
}

/// The ways into the loop.
#[derive(Debug)]
pub struct Ways {
    /// What the person wants. The play ends when nobody can want anything any more.
    pub wishes: mpsc::Receiver<Wish>,
    /// What the readers' pollers say.
    pub reports: mpsc::Receiver<(MailboxIndex, Report)>,
    /// What the server has seen.
    pub entries: mpsc::UnboundedReceiver<Entry>,
}

/// The longest that a collision lasts, if nobody runs into it.
const LONGEST_HOLD: Duration = Duration::from_secs(3);

impl Play {
    /// Plays until nobody watches any more, then ends the readers and the server.
    ///
    /// # Errors
    ///
    /// A cache or the spool cannot be used any more; everything is ended then, too.
    pub async fn run(mut self, mut ways: Ways) -> Result<(), Error> {
        let outcome = self.go_on(&mut ways).await;
        for reader in self.readers.drain(..) {
            reader.stop().await;
        }
        self.stage.close().await;
        outcome
    }

    async fn go_on(&mut self, ways: &mut Ways) -> Result<(), Error> {
        for place in 0..self.readers.len() {
            self.show(place).await?;
        }
        while let Ok(entry) = ways.entries.try_recv() {
            self.ledger.enter(entry);
        }
        self.tell(Event::LedgerChanged(self.ledger.clone())).await;
        loop {
            tokio::select! {
                wish = ways.wishes.recv() => match wish {
                    Some(wish) => self.grant(wish).await?,
                    None => return Ok(()),
                },
                Some((index, report)) = ways.reports.recv() => self.heard(index, report).await?,
                Some(entry) = ways.entries.recv() => self.enter(entry).await,
                () = until(self.wake()) => {
                    for Due { at, beat } in self.story.due(self.elapsed()) {
                        self.perform(at, beat).await?;
                    }
                }
            }
        }
    }

    async fn perform(&mut self, at: Duration, beat: Beat) -> Result<(), Error> {
        match beat {
            Beat::Tell(words) => self.say(at, words).await,
            Beat::Tip(number) => self.tip(number).await,
            Beat::Come(who) => {
                self.with(who, Reader::come).await?;
            }
            Beat::Leave(who) => {
                self.with(who, Reader::leave).await?;
            }
            Beat::Open {
                who,
                subject,
                words,
            } => {
                if let Some(place) = self.place_of(who)
                    && self.readers[place].open(subject).await?
                {
                    self.say(at, words).await;
                    self.show(place).await?;
                }
            }
            Beat::Arrive(letter) => {
                self.send(&letter).await?;
                self.readers.iter().for_each(Reader::check_now);
            }
            Beat::Collide(busy) => self.collide(busy).await?,
            Beat::ShowLedger => self.tell(Event::LedgerShown(self.ledger.clone())).await,
            Beat::YourTurn => self.tell(Event::YourTurn).await,
        }
        Ok(())
    }

    async fn grant(&mut self, wish: Wish) -> Result<(), Error> {
        match wish {
            Wish::Typed => self.story.typed(self.elapsed()),
            Wish::TogglePause => {
                let is_paused = self.story.toggle_pause(self.elapsed());
                self.tell(Event::Paused(is_paused)).await;
            }
            Wish::Send => {
                self.yours += 1;
                self.send(&Letter::yours(self.yours - 1)).await?;
                self.say(
                    self.elapsed(),
                    "your notice is in the mailbox: everyone gets it",
                )
                .await;
            }
            Wish::ToggleServer => {
                let is_broken = self.stage.toggle();
                self.tell(Event::Broken(is_broken)).await;
                let words = match is_broken {
                    true => "you broke the server: everyone still reads what is saved",
                    false => "the server is back: everyone catches up by themselves",
                };
                self.say(self.elapsed(), words).await;
                self.readers.iter().for_each(Reader::check_now);
            }
        }
        Ok(())
    }

    async fn heard(&mut self, index: MailboxIndex, report: Report) -> Result<(), Error> {
        let Some(place) = teammates::who_is(index).and_then(|who| self.place_of(who)) else {
            return Ok(());
        };
        let who = self.readers[place].who();
        match report {
            Report::Arrived(_)
            | Report::Filled(_)
            | Report::Withdrawn { .. }
            | Report::Returned(_) => self.show(place).await,
            Report::Checked(summary) => {
                if summary.outcome.is_done() {
                    self.enter(Entry::Met(who)).await;
                }
                match self.readers[place].visited(&summary) {
                    Visit::Usual | Visit::Failed => {}
                    Visit::CameThrough => self.tell(Event::CameThrough(who)).await,
                    Visit::FoundBusy { words, again } => {
                        if let Some((_, release)) = self.collision.take_if(|(it, _)| *it == who) {
                            release.cancel();
                        }
                        self.tell(Event::FoundBusy { who, words, again }).await;
                    }
                }
                Ok(())
            }
            Report::Started { .. }
            | Report::Listed { .. }
            | Report::Announced(_)
            | Report::Progress { .. }
            | Report::Vanished { .. } => Ok(()),
        }
    }

    async fn enter(&mut self, entry: Entry) {
        if self.ledger.enter(entry) {
            self.tell(Event::LedgerChanged(self.ledger.clone())).await;
        }
    }

    async fn send(&mut self, letter: &Letter) -> Result<(), Error> {
        self.letters += 1;
        let now = Timestamp::now();
        self.stage
            .deliver(letter.compose(now, self.letters), letter.sender(), now)
            .await?;
        self.tell(Event::Delivered {
            from: Shown::line(&letter.name),
            subject: Shown::line(&letter.subject),
        })
        .await;
        Ok(())
    }

    /// One holds the mailbox, as a slow check does at a server that locks; another calls meanwhile.
    async fn collide(&mut self, busy: Person) -> Result<(), Error> {
        let Some(held) = self.stage.hold().await? else {
            return Ok(());
        };
        let release = CancellationToken::new();
        tokio::spawn(let_go(held, release.clone()));
        self.collision = Some((busy, release));
        self.with(busy, |reader| reader.check_now()).await
    }

    async fn with(&mut self, who: Person, act: impl FnOnce(&mut Reader)) -> Result<(), Error> {
        match self.place_of(who) {
            Some(place) => {
                act(&mut self.readers[place]);
                self.show(place).await
            }
            None => Ok(()),
        }
    }

    async fn show(&mut self, place: usize) -> Result<(), Error> {
        let reader = &self.readers[place];
        let event = Event::ReaderChanged {
            who: reader.who(),
            screen: reader.screen().await?,
        };
        self.tell(event).await;
        Ok(())
    }

    async fn say(&self, at: Duration, words: &'static str) {
        self.tell(Event::Told {
            at,
            words: Shown::from_static(words),
        })
        .await;
    }

    async fn tip(&self, number: u8) {
        if let Some(words) = TIPS.get(usize::from(number).wrapping_sub(1)) {
            self.tell(Event::Tipped {
                number,
                of: u8::try_from(TIPS.len()).unwrap_or(u8::MAX),
                words: Shown::from_static(words),
            })
            .await;
        }
    }

    async fn tell(&self, event: Event) {
        // Nobody watches any more: the wishes' channel ends the play.
        let _ = self.events.send(event).await;
    }

    fn place_of(&self, who: Person) -> Option<usize> {
        self.readers.iter().position(|reader| reader.who() == who)
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed().mul_f64(self.pace)
    }

    fn wake(&self) -> Option<Instant> {
        self.story
            .next()
            .map(|at| self.began + at.div_f64(self.pace))
    }
}

async fn let_go(held: Held, release: CancellationToken) {
    // Whether somebody ran into it or not, the mailbox is free again soon.
    let _ = time::timeout(LONGEST_HOLD, release.cancelled()).await;
    held.release().await;
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
