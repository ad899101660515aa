//! A session that is opened while its check is still being prepared: a server takes its time to
//! greet, in which the cache can be opened.

use tokio::task::JoinHandle;

use crate::{
    client::{self, Authorization, Endpoint, dialogue::Dialogue},
    config::{Mailbox, Settings},
    net::Stream,
};

/// A session that is being opened. Dropping it hangs up.
#[derive(Debug)]
pub struct Early {
    task: JoinHandle<Result<Authorization, client::Error>>,
    dialogue: Dialogue,
}

impl Early {
    /// Begins to connect to a mailbox's server.
    pub fn begin(mailbox: &Mailbox, settings: &Settings) -> Early {
        let dialogue = Dialogue::default();
        let endpoint = Endpoint::of(mailbox, settings);
        let heard = dialogue.clone();
        Early {
            task: tokio::spawn(async move { Authorization::connect(&endpoint?, &heard).await }),
            dialogue,
        }
    }

    /// The session over a stream that is open already, as tests have them.
    ///
    /// # Panics
    ///
    /// The mailbox's settings make no endpoint.
    pub fn over(stream: Stream, mailbox: &Mailbox, settings: &Settings) -> Early {
        let dialogue = Dialogue::default();
        let endpoint = Endpoint::of(mailbox, settings).expect("an endpoint");
        let heard = dialogue.clone();
        Early {
            task: tokio::spawn(
                async move { Authorization::protected(stream, &endpoint, &heard).await },
            ),
            dialogue,
        }
    }

    /// What is said in it.
    pub fn dialogue(&self) -> Dialogue {
        self.dialogue.clone()
    }

    /// The session, once it is open.
    ///
    /// # Errors
    ///
    /// There is no connection, it cannot be made safe, or the server refuses or is wrong.
    pub async fn session(mut self) -> Result<Authorization, client::Error> {
        (&mut self.task).await.expect("connecting does not panic")
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        self.task.abort();
    }
}
