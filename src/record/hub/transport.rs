//! What a request is, and what is heard of it: all that the network has to offer.

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;

/// A file or a list that is asked for, at one address: redirects are for whoever asks. It has no text for
/// a log, because of the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The address.
    pub address: String,
    /// Who asks, where the address may know.
    pub token: Option<String>,
    /// How many bytes are there already and need not come again.
    pub from_byte: u64,
}

/// How an answer begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The status of HTTP.
    pub status: u16,
    /// Its headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Head {
    /// A header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What is heard of a request: the head, pieces of the body, its end; or at any time that it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// How the answer begins.
    Head(Head),
    /// The next bytes of the body.
    Piece(Vec<u8>),
    /// The body is complete, as far as the other side says.
    End,
    /// Nothing more will come: why. It may yet succeed.
    Failed(String),
    /// Nothing will ever come: why.
    Hopeless(String),
}

/// Sends requests.
pub trait Transport {
    /// Sends a request and waits for nothing: what is heard of it comes through the channel. Whoever
    /// drops the channel wants to hear no more.
    fn send(&self, request: Request) -> Receiver<Heard>;
}
