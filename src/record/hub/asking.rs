//! Asks a hub, and follows where it sends on to. The token goes to the hub alone.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use ureq::http::Uri;

use crate::error::Error;
use crate::record::hub::HubAccess;
use crate::record::hub::attendant::{Attendant, Event};
use crate::record::hub::patience::Patience;
use crate::record::hub::redirect::next_address;
use crate::record::hub::refusal::Fault;
use crate::record::hub::transport::{Head, Heard, Request, Transport};

/// How often whoever waits is asked whether to go on.
const LISTEN: Duration = Duration::from_millis(100);
const MOST_REDIRECTS: usize = 5;

/// A hub that can be asked.
pub struct Hub {
    access: HubAccess,
    transport: Box<dyn Transport>,
}

/// An answer whose body is still to come.
pub(super) struct Answer {
    /// How the last of the addresses answered.
    pub(super) head: Head,
    /// Whether that was the hub itself, and not a store that it sends on to.
    pub(super) is_own: bool,
    /// By what the hub itself names the content, before it sent on to another address.
    pub(super) etag: Option<String>,
    heard: Receiver<Heard>,
}

impl Hub {
    /// A hub behind a transport.
    #[must_use]
    pub fn new(access: HubAccess, transport: Box<dyn Transport>) -> Self {
        Self { access, transport }
    }

    /// Where it is, and who asks.
    #[must_use]
    pub fn access(&self) -> &HubAccess {
        &self.access
    }

    /// Asks once, and follows redirects until there is an answer of another kind.
    pub(super) fn ask(
        &self,
        address: &str,
        from_byte: u64,
        attendant: &mut dyn Attendant,
    ) -> Result<Answer, Fault> {
        let no_address = || Fault::Final(Error::harness(format!("`{}` has no such address", self.access)));
        let mut address: Uri = address.parse().map_err(|_| no_address())?;
        let mut etag = None;
        for _ in 0..=MOST_REDIRECTS {
            let token = self.access.token_for(&address).map(str::to_owned);
            let heard = self.transport.send(Request { address: address.to_string(), token, from_byte });
            let answered = match next(&heard, attendant)? {
                Heard::Head(answered) => answered,
                Heard::Failed(because) => return Err(Fault::passing(because)),
                Heard::Hopeless(because) => return Err(self.hopeless(&because)),
                Heard::Piece(_) | Heard::End => return Err(Fault::passing("an answer without a head")),
            };
            if self.access.is_own(&address) {
                let named = answered.header("x-linked-etag").or_else(|| answered.header("etag"));
                etag = named.map(bare_etag).or(etag);
            }
            if !matches!(answered.status, 301 | 302 | 303 | 307 | 308) {
                let is_own = self.access.is_own(&address);
                return Ok(Answer { head: answered, is_own, etag, heard });
            }
            let location = answered.header("location").unwrap_or_default();
            // Where to is not told: such addresses are signed.
            address = next_address(&address, location).ok_or_else(|| {
                Fault::Final(
                    Error::harness(format!("`{}` sends on to where nobody may be sent", self.access))
                        .hint("is `HF_ENDPOINT` a hub? unset it for the usual one"),
                )
            })?;
        }
        let error = Error::harness(format!("`{}` sends on more than {MOST_REDIRECTS} times", self.access));
        Err(Fault::Final(error.hint("is `HF_ENDPOINT` a hub? unset it for the usual one")))
    }
}

impl Hub {
    fn hopeless(&self, because: &str) -> Fault {
        Fault::Final(Error::harness(format!("`{}` cannot be asked: {because}", self.access)).hint(
            "behind a proxy that has a certificate of its own, name its file of roots: `SSL_CERT_FILE=FILE`; \
             else check `HF_ENDPOINT` and the variables of the proxy",
        ))
    }
}

impl Answer {
    /// The next bytes of the body; None at its end.
    pub(super) fn piece(&self, attendant: &mut dyn Attendant) -> Result<Option<Vec<u8>>, Fault> {
        match next(&self.heard, attendant)? {
            Heard::Piece(piece) => Ok(Some(piece)),
            Heard::End => Ok(None),
            Heard::Failed(because) | Heard::Hopeless(because) => Err(Fault::passing(because)),
            Heard::Head(_) => Err(Fault::passing("an answer with two heads")),
        }
    }
}

/// Waits for what is heard next, and asks whoever waits whether to go on.
fn next(heard: &Receiver<Heard>, attendant: &mut dyn Attendant) -> Result<Heard, Fault> {
    loop {
        if !attendant.goes_on() {
            return Err(Fault::Stopped);
        }
        match heard.recv_timeout(LISTEN) {
            Ok(heard) => return Ok(heard),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Fault::passing("the connection went away")),
        }
    }
}

/// Waits after what may yet succeed, as long as patience lasts.
pub(super) fn wait_after(
    hub: &Hub,
    because: &str,
    asked: Option<Duration>,
    patience: &mut Patience,
    attendant: &mut dyn Attendant,
) -> Result<(), Fault> {
    let Some(pause) = patience.pause(asked) else {
        let wish = asked.map(|asked| format!(", and asks to be left alone for {} s", asked.as_secs()));
        return Err(Fault::Final(
            Error::harness(format!(
                "`{}` cannot be fetched from: {because}{}",
                hub.access(),
                wish.unwrap_or_default()
            ))
            .hint("run the same command again, now or later: what has come is kept"),
        ));
    };
    attendant.hear(Event::Waits { because, pause });
    if attendant.pause(pause) { Ok(()) } else { Err(Fault::Stopped) }
}

fn bare_etag(etag: &str) -> String {
    etag.trim_start_matches("W/").trim_matches('"').to_owned()
}
