//! A hub on this machine: the list of a repository's files, small files from itself, large ones by a signed
//! address from another server, as the real one does. It misbehaves as a test says, and counts what it sends.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use arcgauge::record::sha256_of_bytes;
use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use crate::checkout::shipped_model;
use crate::model_copy::FILES;

/// The repository that the hub has: the shipped model.
pub(crate) const REPOSITORY: &str = "somebody/tiny-gpt-oss";
pub(crate) const COMMIT: &str = "5d0b1fc3a1b2c3d4e5f60718293a4b5c6d7e8f90";
/// Files above this size lie outside git.
const LARGE_BYTES: usize = 1 << 20;
const PIECE_BYTES: usize = 1 << 16;

/// A hub, until the process of the tests ends.
pub(crate) struct HubServer {
    pub(crate) address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    files: Vec<(String, Vec<u8>)>,
    cdn: String,
    mischief: Mutex<Mischief>,
    seen: Mutex<Vec<Seen>>,
}

/// How it misbehaves.
#[derive(Default)]
pub(crate) struct Mischief {
    /// Answers to the next requests at the hub's own address, in the place of the right ones.
    pub(crate) refusals: VecDeque<Refusal>,
    /// After so many bytes of a large file nothing more comes, and the connection stays.
    pub(crate) stall_after: Option<usize>,
    /// After so many bytes of a large file the connection ends, once.
    pub(crate) cut_after: Option<usize>,
    /// Large files have a wrong bit.
    pub(crate) is_wrong: bool,
    /// The list says so of large files.
    pub(crate) listed_bytes: Option<u64>,
}

/// An answer that is none.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) header: &'static str,
}

/// A request that was answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) is_cdn: bool,
    /// Only the headers are requested.
    pub(crate) is_head: bool,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) from_byte: usize,
    /// Bytes of the body that were handed to the system.
    pub(crate) sent_bytes: usize,
}

impl HubServer {
    pub(crate) fn start() -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [address, cdn] =
            listeners.each_ref().map(|listener| format!("http://{}", listener.local_addr().unwrap()));
        let names = FILES.iter().filter(|name| **name != "manifest.json").chain(&["README.md"]);
        let files = names.map(|name| ((*name).to_owned(), fs::read(shipped_model().join(name)).unwrap()));
        let shared = Arc::new(Shared { files: files.collect(), cdn, ..Shared::default() });
        for (listener, is_cdn) in listeners.into_iter().zip([false, true]) {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let shared = Arc::clone(&shared);
                    // Whoever is killed closes the connection while it is written to.
                    thread::spawn(move || shared.serve(&stream, is_cdn));
                }
            });
        }
        Self { address, shared }
    }

    /// Has it misbehave from now on.
    pub(crate) fn misbehave(&self, mischief: Mischief) {
        *self.shared.mischief.lock().unwrap() = mischief;
    }

    /// What was requested since the last time.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.shared.seen.lock().unwrap())
    }

    /// Bytes of all that it has.
    pub(crate) fn size_bytes(&self) -> usize {
        self.shared.files.iter().map(|(_, bytes)| bytes.len()).sum()
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream, is_cdn: bool) -> Option<()> {
        let mut lines = BufReader::new(stream).lines();
        let request = lines.next()?.ok()?;
        let path = request.split(' ').nth(1)?.to_owned();
        let is_head = request.starts_with("HEAD ");
        let mut seen = Seen { is_cdn, is_head, path, ..Seen::default() };
        for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ")?;
            match name.to_ascii_lowercase().as_str() {
                "authorization" => seen.authorization = Some(value.to_owned()),
                "range" => seen.from_byte = value.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?,
                _ => {}
            }
        }
        let at = {
            let mut all = self.seen.lock().unwrap();
            all.push(seen.clone());
            all.len() - 1
        };
        let reported = |bytes: usize| {
            if let Some(seen) = self.seen.lock().unwrap().get_mut(at) {
                seen.sent_bytes = bytes;
            }
        };
        if is_cdn { self.give_large(stream, &seen, &reported) } else { self.answer(stream, &seen, &reported) }
    }

    /// The hub's own answers.
    fn answer(&self, stream: &TcpStream, seen: &Seen, reported: &dyn Fn(usize)) -> Option<()> {
        let respond = |head: &str, body: &[u8]| respond(stream, seen, head, body);
        if let Some(Refusal { status, header }) = self.mischief.lock().unwrap().refusals.pop_front() {
            return respond(&format!("{status} No\r\n{header}"), b"{\"error\":\"no\"}");
        }
        let (list, file) =
            (format!("/api/models/{REPOSITORY}/revision/"), format!("/{REPOSITORY}/resolve/{COMMIT}/"));
        if let Some(revision) = seen.path.strip_prefix(&list) {
            let revision = revision.strip_suffix("?blobs=true")?;
            if !["main", COMMIT].contains(&revision) {
                return respond("404 Not Found\r\nX-Error-Code: RevisionNotFound", b"");
            }
            return respond("200 OK", self.listing().to_string().as_bytes());
        }
        let named =
            seen.path.strip_prefix(&file).and_then(|name| self.files.iter().find(|(known, _)| known == name));
        let Some((name, bytes)) = named else {
            return respond("404 Not Found\r\nX-Error-Code: RepoNotFound", b"");
        };
        if bytes.len() > LARGE_BYTES {
            let (etag, cdn) = (sha256_of_bytes(bytes), &self.cdn);
            let head = format!(
                "302 Found\r\nX-Repo-Commit: {COMMIT}\r\nX-Linked-Etag: \"{etag}\"\r\nX-Linked-Size: {}\r\nLocation: {cdn}/{name}?signature=once",
                bytes.len()
            );
            return respond(&head, b"");
        }
        respond(&format!("200 OK\r\nX-Repo-Commit: {COMMIT}\r\nETag: \"{}\"", blob(bytes)), bytes)?;
        reported(if seen.is_head { 0 } else { bytes.len() });
        Some(())
    }

    fn listing(&self) -> Value {
        let listed_bytes = self.mischief.lock().unwrap().listed_bytes;
        let siblings = self.files.iter().map(|(name, bytes)| {
            let size = listed_bytes.unwrap_or(bytes.len() as u64);
            let lfs = (bytes.len() > LARGE_BYTES)
                .then(|| json!({ "sha256": sha256_of_bytes(bytes), "size": size, "pointerSize": 132 }));
            json!({ "rfilename": name, "size": bytes.len(), "blobId": blob(bytes), "lfs": lfs })
        });
        let others =
            [".gitattributes", "model.safetensors"].map(|name| json!({ "rfilename": name, "size": 9 }));
        json!({ "id": REPOSITORY, "sha": COMMIT, "siblings": siblings.chain(others).collect::<Vec<_>>() })
    }

    /// A large file from another server than the hub's, from whatever byte is requested.
    fn give_large(&self, mut stream: &TcpStream, seen: &Seen, reported: &dyn Fn(usize)) -> Option<()> {
        let name = seen.path.strip_prefix('/')?.strip_suffix("?signature=once")?;
        let mut bytes = self.files.iter().find(|(known, _)| known == name)?.1.clone();
        let (stall, cut) = {
            let mut mischief = self.mischief.lock().unwrap();
            if mischief.is_wrong {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            (mischief.stall_after, mischief.cut_after.take())
        };
        let Some(rest) = bytes.get(seen.from_byte..) else {
            return respond(stream, seen, "416 Range Not Satisfiable", b"");
        };
        let status = match seen.from_byte {
            0 => "200 OK".to_owned(),
            from => format!(
                "206 Partial Content\r\nContent-Range: bytes {from}-{}/{}",
                bytes.len() - 1,
                bytes.len()
            ),
        };
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len())
            .ok()?;
        let most = stall.or(cut).unwrap_or(rest.len()).min(rest.len());
        let mut sent = 0;
        for piece in rest[..most].chunks(PIECE_BYTES) {
            stream.write_all(piece).ok()?;
            sent += piece.len();
            reported(sent);
        }
        if stall.is_some() && most < rest.len() {
            thread::sleep(Duration::from_mins(2));
        }
        Some(())
    }
}

fn respond(mut stream: &TcpStream, seen: &Seen, head: &str, body: &[u8]) -> Option<()> {
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).ok()?;
    if seen.is_head { Some(()) } else { stream.write_all(body).ok() }
}

fn blob(bytes: &[u8]) -> String {
    Oid::hash_object(ObjectType::Blob, bytes).unwrap().to_string()
}
