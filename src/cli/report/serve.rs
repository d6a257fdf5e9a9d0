//! `report --serve`: the pages for browsers of this machine, and for nobody else.
//!
//! A server of its own, for it does less than any other: one request a connection, a head of a few lines, no body,
//! and the files of the site.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::report::open;
use crate::cli::{exit_code, print_line, say};
use crate::error::{Error, Result};
use crate::files::is_file_name;
use crate::report::site::served_file;

/// Connections that are served at once; others wait.
const MOST_CONNECTIONS: usize = 64;
/// A request is whole within this time, or it is refused: an idle connection keeps its place no longer.
const REQUEST_TIME: Duration = Duration::from_secs(1);
/// Whoever takes nothing of an answer for so long has gone.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// The head of a request has fewer bytes.
const LARGEST_HEAD_BYTES: usize = 16 << 10;
/// And at most so many headers.
const MOST_HEADERS: usize = 64;
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";
const NO_PAGE: &str = "there is no such page";

/// Serves a folder on loopback until the process is stopped.
pub(super) fn serve(folder: &Path, port: u16, show: bool) -> Result<u8> {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let listen = || {
        let listener = TcpListener::bind(address)?;
        let port = listener.local_addr()?.port();
        Ok((listener, port))
    };
    let (listener, port) = listen().map_err(|cause: io::Error| {
        Error::harness(format!("cannot listen on `{address}`: {cause}"))
            .hint("another program may have the port; without `--port` one that is free is taken")
    })?;
    let home = format!("http://{}:{port}/", Ipv4Addr::LOCALHOST);
    print_line(&home)?;
    say("serving on loopback alone; Ctrl-C ends it");
    if show && let Err(error) = open(&home) {
        say(&format!("{error}"));
    }
    thread::scope(|scope| {
        for _ in 0..MOST_CONNECTIONS {
            scope.spawn(|| {
                loop {
                    match listener.accept() {
                        // A client that has gone is no failure of ours.
                        Ok((stream, _)) => drop(converse(stream, folder, port)),
                        Err(_) => thread::sleep(REQUEST_TIME),
                    }
                }
            });
        }
    });
    Ok(exit_code::PASS)
}

/// Reads one request and answers it.
fn converse(mut stream: TcpStream, folder: &Path, port: u16) -> io::Result<()> {
    let answer = answer(&mut stream, folder, port)?;
    stream.set_write_timeout(Some(WRITE_TIME))?;
    stream.write_all(&answer.bytes())?;
    stream.shutdown(Shutdown::Write)?;
    // To close before the client has sent all would take the answer from it again.
    stream.set_read_timeout(Some(REQUEST_TIME))?;
    io::copy(&mut stream.take(LARGEST_HEAD_BYTES as u64), &mut io::sink()).map(drop)
}

/// The answer to the request that comes over a connection. What follows its head is never read.
fn answer(stream: &mut TcpStream, folder: &Path, port: u16) -> io::Result<Answer> {
    let end = Instant::now() + REQUEST_TIME;
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(refusal(408, "the request did not come to its end"));
        }
        stream.set_read_timeout(Some(left))?;
        let length = match stream.read(&mut piece) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => length,
            Err(cause) if matches!(cause.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                continue;
            }
            Err(cause) => return Err(cause),
        };
        head.extend_from_slice(&piece[..length]);
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(_)) => return Ok(answer_to(&request, folder, port)),
            Ok(httparse::Status::Partial) if head.len() < LARGEST_HEAD_BYTES => {}
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Ok(refusal(431, "the request is too long"));
            }
            Err(cause) => return Ok(refusal(400, &cause.to_string())),
        }
    }
}

fn answer_to(request: &httparse::Request<'_, '_>, folder: &Path, port: u16) -> Answer {
    let header = |name: &str| request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    let has_body = header("content-length").is_some_and(|length| length.value != b"0");
    if has_body || header("transfer-encoding").is_some() {
        return refusal(413, "no body is read");
    }
    // A page of elsewhere that has its name point here must not read what is served.
    let is_ours = |host: &[u8]| {
        ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{port}").as_bytes())
    };
    if !header("host").is_some_and(|host| is_ours(host.value)) {
        return refusal(403, "this server answers to its loopback address alone");
    }
    let method = request.method.unwrap_or_default();
    if !matches!(method, "GET" | "HEAD") {
        return refusal(405, "only GET and HEAD");
    }
    let Some(file) = file_of(request.path.unwrap_or_default()) else { return refusal(404, NO_PAGE) };
    match served_file(folder, &file) {
        Some(body) => Answer { status: 200, kind: kind_of(&file), body, is_head: method == "HEAD" },
        None => refusal(404, NO_PAGE),
    }
}

struct Answer {
    status: u16,
    /// The type of its content.
    kind: &'static str,
    body: Vec<u8>,
    /// Only the head was requested.
    is_head: bool,
}

impl Answer {
    fn bytes(&self) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            413 => "Content Too Large",
            431 => "Request Header Fields Too Large",
            _ => "Bad Request",
        };
        let head = format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nX-Content-Type-Options: nosniff\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            self.status,
            self.kind,
            self.body.len()
        );
        [head.as_bytes(), if self.is_head { &[] } else { &self.body }].concat()
    }
}

fn refusal(status: u16, why: &str) -> Answer {
    Answer { status, kind: PLAIN_TEXT, body: format!("{why}\n").into_bytes(), is_head: false }
}

/// The file of an address, below the folder: names of plain letters, one folder deep at most.
fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = if path.is_empty() { "index.html" } else { path };
    let parts: Vec<&str> = path.split('/').collect();
    (parts.len() <= 2 && parts.iter().all(|part| is_file_name(part))).then(|| parts.iter().collect())
}

fn kind_of(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("csv") => "text/csv; charset=utf-8",
        _ => PLAIN_TEXT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_a_file_of_the_site_or_to_none() {
        let file = |url: &str| {
            file_of(url).map(|file| file.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"))
        };
        assert_eq!(file("/").as_deref(), Some("index.html"));
        assert_eq!(file("/commit/0123456789ab.html?x#y").as_deref(), Some("commit/0123456789ab.html"));
        for url in [
            "/../Cargo.toml",
            "/commit/../../x",
            "/%2e%2e/x",
            "//etc/passwd",
            "/.git/config",
            "/a/b/c",
            "x",
            "/a\\b",
        ] {
            assert_eq!(file(url), None, "{url}");
        }
    }
}
