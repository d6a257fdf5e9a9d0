//! A hub without a network: it answers as a test says, and remembers what it was asked.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use super::*;
use crate::error::Result;
use crate::record::{HashCache, sha256_of_bytes};

pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(super) const WEIGHTS: &[u8] = b"weights that are many bytes long";

/// Answers one request after another.
type Answers = Rc<dyn Fn(usize, &Request) -> Vec<Heard>>;

/// A hub, a folder, and somebody who waits without waiting.
pub(super) struct Scene {
    folder: tempfile::TempDir,
    asked: Rc<RefCell<Vec<Request>>>,
    pub(super) waited: Waited,
}

/// What was heard of a fetch.
#[derive(Default)]
pub(super) struct Waited {
    pub(super) pauses_s: Vec<u64>,
    pub(super) begun_anew: usize,
    pub(super) fetched: Vec<String>,
    /// Bytes of the file under way after which to stop.
    pub(super) stop_at_bytes: Option<u64>,
    stopped: bool,
}

struct Scripted {
    answers: Answers,
    asked: Rc<RefCell<Vec<Request>>>,
}

impl Transport for Scripted {
    fn send(&self, request: Request) -> Receiver<Heard> {
        let (teller, heard) = channel();
        let count = self.asked.borrow().len();
        for said in (self.answers)(count, &request) {
            teller.send(said).unwrap();
        }
        self.asked.borrow_mut().push(request);
        heard
    }
}

impl Attendant for Waited {
    fn goes_on(&mut self) -> bool {
        !self.stopped
    }

    fn pause(&mut self, pause: Duration) -> bool {
        self.pauses_s.push(pause.as_secs());
        true
    }

    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::BeginsAnew { .. } => self.begun_anew += 1,
            Event::Finished { name } => self.fetched.push(name.to_owned()),
            Event::Received { there_bytes } => {
                self.stopped |= self.stop_at_bytes.is_some_and(|stop| there_bytes >= stop);
            }
            _ => {}
        }
    }
}

impl Scene {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), asked: Rc::default(), waited: Waited::default() }
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.folder.path().join("model")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The part of the weights that has come.
    pub(super) fn part(&self) -> PathBuf {
        unfinished(&self.folder()).join(format!("openvino_model.bin.{}", &sha256_of_bytes(WEIGHTS)[..16]))
    }

    /// What was asked since the last time.
    pub(super) fn asked(&self) -> Vec<Request> {
        self.asked.take()
    }

    fn hub(&self, token: Option<&str>, answers: impl Fn(usize, &Request) -> Vec<Heard> + 'static) -> Hub {
        let access = HubAccess::new("https://hub.example", token.map(str::to_owned)).unwrap();
        let transport = Scripted { answers: Rc::new(answers), asked: Rc::clone(&self.asked) };
        Hub::new(access, Box::new(transport))
    }

    /// Lists a repository.
    pub(super) fn list(
        &mut self,
        token: Option<&str>,
        answers: impl Fn(usize, &Request) -> Vec<Heard> + 'static,
    ) -> Result<Option<Listing>> {
        let hub = self.hub(token, answers);
        let (repository, revision) = (RepositoryName::parse("owner/model"), Revision::parse("main"));
        list(&hub, &repository.unwrap(), &revision.unwrap(), &mut self.waited)
    }

    /// Fetches what [`files`] has.
    pub(super) fn fetch(
        &mut self,
        answers: impl Fn(usize, &Request) -> Vec<Heard> + 'static,
    ) -> Result<Option<FetchedModel>> {
        let hub = self.hub(None, answers);
        let text = listing(&files());
        let listing = self.list(None, move |_, _| ok(text.to_string().as_bytes()))?.unwrap();
        self.asked.take();
        let folder = self.folder();
        Fetch { hub: &hub, listing: &listing, folder: &folder }
            .run(&mut HashCache::default(), &mut self.waited)
    }
}

/// A file of the repository with its content.
pub(super) struct Content {
    pub(super) name: &'static str,
    pub(super) bytes: &'static [u8],
}

/// A repository with a model of a few bytes.
pub(super) fn files() -> [Content; 3] {
    [
        Content { name: "config.json", bytes: b"{}" },
        Content { name: "openvino_model.bin", bytes: WEIGHTS },
        Content { name: "openvino_model.xml", bytes: b"<net/>" },
    ]
}

/// What a hub says of them: the weights are large, the rest lies in git.
pub(super) fn listing(files: &[Content]) -> Value {
    let siblings = files.iter().map(|Content { name, bytes }| {
        let blob = Oid::hash_object(ObjectType::Blob, bytes).unwrap().to_string();
        let is_large = *name == "openvino_model.bin";
        let lfs = is_large
            .then(|| json!({ "sha256": sha256_of_bytes(bytes), "size": bytes.len(), "pointerSize": 130 }));
        json!({ "rfilename": name, "size": bytes.len(), "blobId": blob, "lfs": lfs })
    });
    json!({ "id": "owner/model", "sha": COMMIT, "siblings": siblings.collect::<Vec<_>>() })
}

/// An answer with a status and headers.
pub(super) fn head(status: u16, headers: &[(&str, &str)]) -> Heard {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Heard::Head(Head { status, headers: headers.collect() })
}

/// An answer with no body.
pub(super) fn only(status: u16, headers: &[(&str, &str)]) -> Vec<Heard> {
    vec![head(status, headers), Heard::End]
}

/// A whole body.
pub(super) fn ok(bytes: &[u8]) -> Vec<Heard> {
    vec![head(200, &[]), Heard::Piece(bytes.to_vec()), Heard::End]
}

/// A file as an honest hub gives it, from the byte that is asked for.
pub(super) fn honest(request: &Request) -> Vec<Heard> {
    let name = Path::new(&request.address).file_name().unwrap().to_str().unwrap();
    let files = files();
    let bytes = files.iter().find(|file| file.name == name).unwrap().bytes;
    if request.from_byte == 0 {
        return ok(bytes);
    }
    let from = usize::try_from(request.from_byte).unwrap();
    let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    vec![head(206, &[("content-range", &range)]), Heard::Piece(bytes[from..].to_vec()), Heard::End]
}

/// Whether the weights are asked for.
pub(super) fn is_weights(request: &Request) -> bool {
    request.address.ends_with("openvino_model.bin")
}
