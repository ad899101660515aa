//! A server that plays a transcript: it says the lines of `S:` and expects those of `C:`.
//!
//! A transcript is written as the RFC writes its examples. `...` ends a line with any text; lines of
//! `#` are remarks; `=` says what the check must come to. `S!` closes the connection, `S~` falls
//! silent, `S-` sends a line without its line end.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A server that plays scripts, one connection after the other.
pub struct Script {
    pub port: u16,
    task: Option<JoinHandle<Result<(), String>>>,
    /// What was said that no client may say.
    deleted: Arc<Mutex<Option<String>>>,
}

/// The promise, looked after in every session of every test: no client ever deletes.
impl Drop for Script {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let deleted = self.deleted.lock().expect("what was said");
            assert_eq!(*deleted, None);
        }
    }
}

impl Script {
    /// Serves these sessions, one a connection, in this order.
    pub async fn serve(sessions: Vec<String>) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let deleted = Arc::new(Mutex::new(None));
        let noted = deleted.clone();
        let task = tokio::spawn(async move {
            for session in sessions {
                let (socket, _) = listener.accept().await.map_err(|error| error.to_string())?;
                play(&session, socket, &noted).await?;
            }
            Ok(())
        });
        Script {
            port,
            task: Some(task),
            deleted,
        }
    }

    /// Waits until all was played; what went otherwise than written, in words.
    pub async fn finish(mut self) -> Result<(), String> {
        let task = self.task.take().expect("it is finished once");
        task.await.expect("the script does not panic")
    }
}

/// The sessions of a transcript: they are parted by lines of `---`.
pub fn sessions(transcript: &str) -> Vec<String> {
    transcript.split("\n---\n").map(str::to_owned).collect()
}

/// The lines of a transcript that say what it must come to.
pub fn expectations(transcript: &str) -> Vec<&str> {
    transcript
        .lines()
        .filter_map(|line| line.strip_prefix("= "))
        .collect()
}

async fn play(
    session: &str,
    socket: TcpStream,
    deleted: &Mutex<Option<String>>,
) -> Result<(), String> {
    let (read, mut write) = socket.into_split();
    let mut read = BufReader::new(read);
    for line in session.lines() {
        if let Some(text) = line.strip_prefix("S: ") {
            // The client may have had enough and gone: what it came to says whether it should.
            let _ = write.write_all(format!("{text}\r\n").as_bytes()).await;
        } else if line == "S:" {
            let _ = write.write_all(b"\r\n").await;
        } else if let Some(text) = line.strip_prefix("S- ") {
            let _ = write.write_all(text.as_bytes()).await;
        } else if line == "S!" {
            return Ok(());
        } else if line == "S~" {
            // Silent until the client goes away.
            let mut rest = Vec::new();
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut rest).await;
            return Ok(());
        } else if let Some(expected) = line.strip_prefix("C: ") {
            let mut said = String::new();
            read.read_line(&mut said)
                .await
                .map_err(|error| error.to_string())?;
            let said = said.trim_end_matches(['\r', '\n']);
            if let Err(words) = never_deletes(said) {
                *deleted.lock().expect("what was said") = Some(words.clone());
                return Err(words);
            }
            let is_as_written = match expected.strip_suffix("...") {
                Some(beginning) => said.starts_with(beginning),
                None => said == expected,
            };
            if !is_as_written {
                return Err(format!("expected `{expected}`, the client said `{said}`"));
            }
        } else if !(line.is_empty() || line.starts_with('#') || line.starts_with("= ")) {
            return Err(format!("not a line of a transcript: {line}"));
        }
    }
    Ok(())
}

fn never_deletes(said: &str) -> Result<(), String> {
    let keyword = said
        .split(' ')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    if matches!(keyword.as_str(), "DELE" | "RSET") {
        return Err(format!("the client said {said}"));
    }
    Ok(())
}
