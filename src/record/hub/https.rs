//! Requests over HTTP, in a thread each: whoever waits for one can still be told to stop.

use std::fs;
use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::error::{Error, Result};
use crate::record::hub::HubAccess;
use crate::record::hub::transport::{Head, Heard, Request, Transport};

/// Nobody takes so long to pick up, and no live connection is silent for so long.
const SILENCE: Duration = Duration::from_mins(1);
const PIECE_BYTES: usize = 1 << 16;
/// Pieces that wait to be written; then the network waits.
const PIECES_AHEAD: usize = 64;

/// HTTP with TLS, by whatever proxy the usual variables name.
#[derive(Debug)]
pub struct Https {
    agent: Agent,
}

impl Https {
    /// Made ready for a hub; nothing is sent.
    ///
    /// # Errors
    /// A file of certificates that has none.
    pub fn new(access: &HubAccess) -> Result<Self> {
        let mut tls = TlsConfig::builder();
        if let Some(file) = access.certificates() {
            let text = fs::read(file)
                .map_err(|cause| Error::io("read", file, &cause).as_input().hint(ROOTS_HINT))?;
            let mut roots = Vec::new();
            for item in parse_pem(&text) {
                if let Ok(PemItem::Certificate(certificate)) = item {
                    roots.push(certificate);
                }
            }
            if roots.is_empty() {
                return Err(Error::input(format!("`{}` has no certificate", file.display())).hint(ROOTS_HINT));
            }
            tls = tls.root_certs(RootCerts::from(roots));
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            // Whoever asks follows them, and leaves the token behind.
            .max_redirects(0)
            .user_agent(concat!("arcgauge/", env!("CARGO_PKG_VERSION")))
            // What is hashed is what was sent.
            .accept_encoding("identity")
            .timeout_resolve(Some(SILENCE))
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .build();
        Ok(Self { agent: config.into() })
    }
}

const ROOTS_HINT: &str = "mend `SSL_CERT_FILE`, or unset it for the usual roots of trust";

impl Transport for Https {
    fn send(&self, request: Request) -> Receiver<Heard> {
        let (teller, heard) = sync_channel(PIECES_AHEAD);
        let agent = self.agent.clone();
        thread::spawn(move || {
            let last = tell(&agent, &request, &teller).err().unwrap_or(Heard::End);
            // Whoever has gone away need not be told.
            let _ = teller.send(last);
        });
        heard
    }
}

fn tell(agent: &Agent, request: &Request, teller: &SyncSender<Heard>) -> Result<(), Heard> {
    let mut call = agent.get(&request.address);
    if let Some(token) = &request.token {
        call = call.header("authorization", format!("Bearer {token}"));
    }
    if request.from_byte > 0 {
        call = call.header("range", format!("bytes={}-", request.from_byte));
    }
    let answer = call.call().map_err(|cause| failed(&cause))?;
    let headers = answer.headers().iter();
    let head = Head {
        status: answer.status().as_u16(),
        headers: headers
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect(),
    };
    if teller.send(Heard::Head(head)).is_err() {
        return Ok(());
    }
    let mut body = answer.into_body().into_reader();
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                if teller.send(Heard::Piece(buffer[..length].to_vec())).is_err() {
                    return Ok(());
                }
            }
            Err(cause) => return Err(Heard::Failed(cause.to_string())),
        }
    }
}

/// A certificate or an address that is wrong stays so; all else may pass.
fn failed(cause: &ureq::Error) -> Heard {
    let because = cause.to_string();
    let because = because.strip_prefix("io: ").unwrap_or(&because).to_owned();
    match cause {
        ureq::Error::Rustls(_)
        | ureq::Error::Tls(_)
        | ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::RequireHttpsOnly(_) => Heard::Hopeless(because),
        ureq::Error::Io(inner) if inner.kind() == std::io::ErrorKind::InvalidData => Heard::Hopeless(because),
        _ => Heard::Failed(because),
    }
}
