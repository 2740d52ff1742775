//! Who may connect: programs, and pages that this computer itself serves.
//!
//! A browser lets any page open a WebSocket to `127.0.0.1`; only the server can refuse. So the `Origin` that a browser
//! sends must be a loopback address, or one that the user allowed. Programs send none and are admitted. `Origin: null` is
//! refused: a page opened from a file has it, but so does a frame that any page can create.
//!
//! A page may also point its own name at `127.0.0.1` (DNS rebinding) to look like ours. Its `Origin` gives it away, and so
//! does its `Host`: while the server listens on loopback only, that must be loopback too.

use std::net::IpAddr;

use tungstenite::http::{HeaderMap, header};

/// Why a client is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It requested a page, not a WebSocket.
    #[error("this is a WebSocket; connect to it with a WebSocket client")]
    NoUpgrade,
    /// A page from another computer.
    #[error(
        "pages of this origin may not read the stream; fervis --allow-origin ORIGIN allows them"
    )]
    ForeignOrigin,
    /// It used a name that is not this computer's.
    #[error("the stream is available as localhost and 127.0.0.1 only")]
    ForeignHost,
    /// All places are taken.
    #[error("there are too many clients")]
    Full,
    /// It sent data before the answer.
    #[error("nothing may be sent before the request is answered")]
    TooEager,
}

impl Refusal {
    /// The whole answer to the client.
    pub fn response(self) -> Vec<u8> {
        let status = match self {
            Self::NoUpgrade => "426 Upgrade Required\r\nUpgrade: websocket",
            Self::ForeignOrigin | Self::ForeignHost => "403 Forbidden",
            Self::Full => "503 Service Unavailable",
            Self::TooEager => "400 Bad Request",
        };
        let body = format!("fervis: {self}\n");
        format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

/// The rules of one server.
#[derive(Debug, Clone, Default)]
pub struct Admission {
    /// Origins that are admitted besides those of this computer, as browsers write them: `https://example.org`.
    pub allowed_origins: Vec<String>,
    /// Whether the server can be reached from this computer only.
    pub loopback_only: bool,
}

impl Admission {
    /// Checks a request by its headers.
    ///
    /// # Errors
    /// The reason to refuse it.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let all = |name: header::HeaderName, is_good: &dyn Fn(&str) -> bool| {
            let mut values = headers.get_all(name).iter();
            values.all(|value| value.to_str().is_ok_and(is_good))
        };
        if self.loopback_only && !all(header::HOST, &is_loopback_authority) {
            return Err(Refusal::ForeignHost);
        }
        let is_allowed = |origin: &str| {
            let mut allowed = self.allowed_origins.iter();
            is_loopback_origin(origin)
                || allowed.any(|allowed| allowed.eq_ignore_ascii_case(origin))
        };
        if !all(header::ORIGIN, &is_allowed) {
            return Err(Refusal::ForeignOrigin);
        }
        Ok(())
    }
}

/// Whether a page with this origin comes from this computer.
fn is_loopback_origin(origin: &str) -> bool {
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(is_loopback_authority)
}

/// Whether `host` or `host:port` means this computer, by a name that nobody else can take.
fn is_loopback_authority(authority: &str) -> bool {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        match rest.split_once(']') {
            Some((host, port)) => (host, port.strip_prefix(':').unwrap_or(port)),
            None => return false,
        }
    } else {
        authority.split_once(':').unwrap_or((authority, ""))
    };
    let is_loopback = host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    // Anything but digits may hide another host: `localhost:1@example.org`.
    is_loopback && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_headers(
        admission: &Admission,
        lines: &[(header::HeaderName, &str)],
    ) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), value.parse().unwrap());
        }
        admission.check(&headers)
    }

    #[test]
    fn pages_from_other_computers_are_refused() {
        let admission = Admission {
            allowed_origins: vec!["https://lab.example.org".to_owned()],
            loopback_only: true,
        };
        let check = |origin: &str, expected| {
            let lines = [(header::HOST, "127.0.0.1:9117"), (header::ORIGIN, origin)];
            assert_eq!(check_headers(&admission, &lines), expected, "{origin}");
        };
        for origin in [
            "http://localhost:8000",
            "https://LOCALHOST",
            "http://127.0.0.1:3000",
            "http://127.1.2.3",
            "http://[::1]:8080",
            "https://lab.example.org",
        ] {
            check(origin, Ok(()));
        }
        for origin in [
            "null",
            "",
            "https://example.org",
            "http://lab.example.org",
            "https://lab.example.org.evil.example",
            "http://localhost.evil.example",
            "http://localhost:80@evil.example",
            "http://localhost@evil.example",
            "http://[::1].evil.example",
            "http://127.0.0.1.evil.example",
            "http://192.168.1.2",
            "chrome-extension://abcdefgh",
            "file://",
        ] {
            check(origin, Err(Refusal::ForeignOrigin));
        }
        let two = [
            (header::ORIGIN, "http://localhost"),
            (header::ORIGIN, "https://example.org"),
        ];
        assert_eq!(check_headers(&admission, &two), Err(Refusal::ForeignOrigin));
        assert_eq!(check_headers(&admission, &[]), Ok(()), "a program");
    }

    #[test]
    fn a_name_that_points_here_is_refused() {
        let local = Admission {
            loopback_only: true,
            ..Admission::default()
        };
        let exposed = Admission::default();
        for host in [
            "localhost:9117",
            "127.0.0.1",
            "[::1]:9117",
            "localhost:8000",
        ] {
            assert_eq!(
                check_headers(&local, &[(header::HOST, host)]),
                Ok(()),
                "{host}"
            );
        }
        for host in [
            "rebound.example:9117",
            "192.168.1.5:9117",
            "",
            "[::1",
            "localhost:x",
        ] {
            let refused = Err(Refusal::ForeignHost);
            assert_eq!(
                check_headers(&local, &[(header::HOST, host)]),
                refused,
                "{host}"
            );
            assert_eq!(
                check_headers(&exposed, &[(header::HOST, host)]),
                Ok(()),
                "{host}"
            );
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let text = String::from_utf8(Refusal::ForeignOrigin.response()).unwrap();
        assert!(text.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{text}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
        assert!(body.contains("--allow-origin"), "{body}");
    }
}
