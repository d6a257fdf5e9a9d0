//! `report --serve`: the pages for browsers of this machine, and for nobody else.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tiny_http::{Header, Method, Request, Response, Server};

use crate::cli::report::open::open;
use crate::cli::{exit_code, print, say};
use crate::error::{Error, Result};
use crate::report::site::served_file;

/// Serves a folder on loopback until the process is stopped.
pub(super) fn serve(folder: &Path, port: u16, show: bool) -> Result<ExitCode> {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let server = Server::http(address).map_err(|cause| {
        Error::harness(format!("cannot listen on `{address}`: {cause}"))
            .hint("another program may have the port; without `--port` one that is free is taken")
    })?;
    let port = server.server_addr().to_ip().map_or(port, |address| address.port());
    let home = format!("http://{}:{port}/", Ipv4Addr::LOCALHOST);
    print(&format!("{home}\n"));
    say("serving on loopback alone; Ctrl-C ends it");
    if show && let Err(error) = open(&home) {
        say(&format!("{error}"));
    }
    for request in server.incoming_requests() {
        let answer = answer(&request, folder, port);
        // Whoever asked has gone.
        let _ = request.respond(answer);
    }
    Ok(ExitCode::from(exit_code::PASS))
}

type Answer = Response<std::io::Cursor<Vec<u8>>>;

fn answer(request: &Request, folder: &Path, port: u16) -> Answer {
    // A page of elsewhere that has its name point here must not read what is served.
    let host = request.headers().iter().find(|header| header.field.equiv("Host"));
    let is_ours = |host: &str| ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{port}"));
    if !host.is_some_and(|host| is_ours(host.value.as_str())) {
        return refusal(403, "this server answers to its loopback address alone");
    }
    if !matches!(request.method(), Method::Get | Method::Head) {
        return refusal(405, "only GET and HEAD");
    }
    let Some(file) = file_of(request.url()) else { return refusal(404, "there is no such page") };
    match served_file(folder, &file) {
        Some(bytes) => with_headers(Response::from_data(bytes), kind_of(&file)),
        None => refusal(404, "there is no such page"),
    }
}

fn refusal(status: u16, why: &str) -> Answer {
    with_headers(
        Response::from_string(format!("{why}\n")).with_status_code(status),
        "text/plain; charset=utf-8",
    )
}

fn with_headers(answer: Answer, kind: &str) -> Answer {
    let headers =
        [("Content-Type", kind), ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")];
    let headers = headers.into_iter().filter_map(|(name, value)| Header::from_bytes(name, value).ok());
    headers.fold(answer, Response::with_header)
}

/// The file of an address, below the folder: names of plain letters, one folder deep at most.
fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = if path.is_empty() { "index.html" } else { path };
    let parts: Vec<&str> = path.split('/').collect();
    let is_plain = |part: &&str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    (parts.len() <= 2 && parts.iter().all(is_plain)).then(|| parts.iter().collect())
}

fn kind_of(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("csv") => "text/csv; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_a_file_of_the_site_or_to_none() {
        let file = |url: &str| file_of(url).map(|file| file.display().to_string());
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
