//! A SOCKS5 proxy (RFC 1928) that leads everybody to one server.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// The names that a proxy was asked for.
pub type Asked = Arc<Mutex<Vec<String>>>;

/// Starts one, for this name and password (`name:password`, RFC 1929) if they are given. Gives its port, and
/// the names that it is asked for.
pub async fn proxy_to(server: u16, login: Option<&'static str>) -> (u16, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Asked::default();
    let noted = asked.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let noted = noted.clone();
            // What goes wrong is seen by the client.
            tokio::spawn(async move { lead(client, server, login, &noted).await.ok() });
        }
    });
    (port, asked)
}

async fn lead(
    mut client: TcpStream,
    server: u16,
    login: Option<&str>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut two = [0; 2];
    client.read_exact(&mut two).await?;
    let methods = octets(&mut client, two[1]).await?;
    let method = if login.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        return client.write_all(&[5, 0xff]).await;
    }
    client.write_all(&[5, method]).await?;
    if let Some(login) = login {
        client.read_exact(&mut two).await?;
        let name = octets(&mut client, two[1]).await?;
        let length = client.read_u8().await?;
        let password = octets(&mut client, length).await?;
        let is_right = [&name[..], b":", &password].concat() == login.as_bytes();
        client.write_all(&[1, u8::from(!is_right)]).await?;
        if !is_right {
            return Ok(());
        }
    }
    let mut head = [0; 5];
    client.read_exact(&mut head).await?;
    assert_eq!(head[..4], [5, 1, 0, 3], "a name, which the proxy looks up");
    let name = octets(&mut client, head[4]).await?;
    client.read_u16().await?;
    let name = String::from_utf8_lossy(&name).into_owned();
    asked.lock().expect("names").push(name);
    let mut other = TcpStream::connect(("127.0.0.1", server)).await?;
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut other).await?;
    Ok(())
}

async fn octets(client: &mut TcpStream, count: u8) -> std::io::Result<Vec<u8>> {
    let mut octets = vec![0; usize::from(count)];
    client.read_exact(&mut octets).await?;
    Ok(octets)
}
