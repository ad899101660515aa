//! The address of a SOCKS5 proxy, as the settings have it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;
use zeroize::Zeroize;

/// A SOCKS5 proxy (RFC 1928), written as `socks5://HOST:PORT` or `socks5://USER:PASSWORD@HOST:PORT`. It
/// never prints its password, and serializes it only as a mask.
#[derive(Clone, Eq, PartialEq)]
pub struct Proxy {
    /// The proxy's name or address.
    pub host: String,
    /// Its port; 1080 if the address names none (RFC 1928 §3).
    pub port: u16,
    /// The name and the password by which it is used (RFC 1929); none if anybody may.
    pub login: Option<(String, String)>,
}

/// The port of SOCKS.
const PORT: u16 = 1080;

impl Proxy {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// It is none of a SOCKS5 proxy; in words, without the password.
    pub fn parse(text: &str) -> Result<Proxy, String> {
        const FORM: &str = "a proxy is written as socks5://HOST:PORT";
        let url = Url::parse(text).map_err(|_| FORM.to_owned())?;
        // `h`: that the proxy finds the server's address, as ours always does.
        if !matches!(url.scheme(), "socks5" | "socks5h") {
            return Err(format!("{FORM}, no other kind is spoken"));
        }
        let decode = |text: &str| {
            let text = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
            let pair = url::form_urlencoded::parse(text.as_bytes()).next();
            pair.map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let login = (!url.username().is_empty())
            .then(|| (decode(url.username()), decode(url.password().unwrap_or(""))));
        Ok(Proxy {
            host: host.ok_or(FORM)?.to_owned(),
            port: url.port().unwrap_or(PORT),
            login,
        })
    }
}

impl Proxy {
    /// As it stands in the settings, with the password.
    pub fn reveal(&self) -> String {
        let encode = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes())
                .collect::<String>()
                .replace('+', "%20")
        };
        let login = self
            .login
            .as_ref()
            .map_or_else(String::new, |(name, password)| {
                format!("{}:{}@", encode(name), encode(password))
            });
        format!("socks5://{login}{}:{}", self.host, self.port)
    }
}

/// Without the password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("socks5://")?;
        if let Some((name, _)) = &self.login {
            write!(f, "{name}:****@")?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Proxy, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        let proxy = Proxy::parse(&text).map_err(serde::de::Error::custom);
        text.zeroize();
        proxy
    }
}

impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some((_, password)) = &mut self.login {
            password.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_a_login_or_not() {
        let plain = Proxy::parse("socks5://localhost").expect("a proxy");
        let whole = Proxy::parse("socks5h://ana:p%40ss+word@[::1]:9050").expect("a proxy");

        assert_eq!((plain.host.as_str(), plain.port), ("localhost", 1080));
        assert_eq!(plain.login, None);
        assert_eq!((whole.host.as_str(), whole.port), ("[::1]", 9050));
        let login = ("ana".to_owned(), "p@ss+word".to_owned());
        assert_eq!(whole.login.as_ref(), Some(&login));
        assert_eq!(format!("{whole:?}"), "socks5://ana:****@[::1]:9050");
        assert_eq!(Proxy::parse(&whole.reveal()), Ok(whole));
        let odd = Proxy::parse("socks5://a:p&s=s%20w@h").expect("a proxy");
        assert_eq!(
            odd.login.as_ref().map(|login| login.1.as_str()),
            Some("p&s=s w")
        );
        assert_eq!(Proxy::parse(&odd.reveal()), Ok(odd));
    }

    #[test]
    fn other_proxies_are_refused() {
        for text in ["localhost:1080", "http://localhost:3128", "socks5://", ""] {
            assert!(Proxy::parse(text).is_err(), "{text}");
        }
    }
}
