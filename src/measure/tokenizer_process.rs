//! A tokenizer that is an OpenVINO graph, in a process of its own: one line of JSON asks, one line answers.
//!
//! OpenVINO does not check what is in such a graph's constants, and a damaged one may crash it. And whoever measures loads
//! no second OpenVINO beside the one that is measured.

use std::cell::RefCell;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::openvino::RuntimeLocation;
use crate::engine::openvino::TokenizerIr;
use crate::error::{Error, Result};
use crate::measure::protocol::Failed;
use crate::sys::{leads_group, signal_of};
use crate::workload::{TextTokenizer, TokenId, TokenizerSource};

/// The longest wait for an answer: a large vocabulary takes seconds to load, a text milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Encode(String),
    Decode(Vec<TokenId>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ready { switched_off: Vec<String>, vocabulary_size: Option<usize> },
    Ids(Vec<TokenId>),
    Text(String),
    Failed(Failed),
}

/// Loads the tokenizer, says so, and answers until its stdin ends.
///
/// # Errors
/// When it cannot be loaded, which is answered too; when nobody reads the answers.
pub fn serve_tokenizer(
    read: impl FnOnce() -> Result<(TokenizerIr, RuntimeLocation)>,
    requests: impl BufRead,
    mut out: impl Write,
) -> Result<()> {
    let mut answer = |answer: &Answer| {
        let line = serde_json::to_string(answer).map_err(|cause| cause.to_string());
        let written = line.and_then(|line| writeln!(out, "{line}").map_err(|cause| cause.to_string()));
        written.map_err(|cause| Error::harness(format!("nobody reads what the tokenizer answers: {cause}")))
    };
    let loaded = read().and_then(|(ir, location)| {
        let ready =
            Answer::Ready { switched_off: ir.switched_off().to_vec(), vocabulary_size: ir.vocabulary_size() };
        Ok((ir.load(location)?, ready))
    });
    let mut tokenizer = match loaded {
        Ok((tokenizer, ready)) => {
            answer(&ready)?;
            tokenizer
        }
        Err(error) => {
            answer(&Answer::Failed((&error).into()))?;
            return Err(error);
        }
    };
    for line in requests.lines().map_while(std::result::Result::ok) {
        let answered = match serde_json::from_str(&line) {
            Ok(Request::Encode(text)) => tokenizer.encode(&text).map(Answer::Ids),
            Ok(Request::Decode(ids)) => tokenizer.decode(&ids).map(Answer::Text),
            Err(cause) => {
                Err(Error::harness(format!("the tokenizer got a request that it does not know: {cause}")))
            }
        };
        answer(&answered.unwrap_or_else(|error| Answer::Failed((&error).into())))?;
    }
    Ok(())
}

/// A process that serves the tokenizer of a model folder. It ends with this.
struct TokenizerProcess {
    folder: PathBuf,
    conversation: RefCell<Conversation>,
}

struct Conversation {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
}

/// Starts the command, which serves the tokenizer IR of this folder.
///
/// # Errors
/// When it cannot be started, or the tokenizer cannot be loaded.
pub fn start_tokenizer(command: &mut Command, folder: &Path) -> Result<TextTokenizer> {
    let failed =
        |cause: String| Error::harness(format!("cannot start the process of the tokenizer IR: {cause}"));
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = leads_group(command).spawn().map_err(|cause| failed(cause.to_string()))?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let (requests, output) = pipes.ok_or_else(|| failed("it has no pipes".to_owned()))?;
    let (sender, answers) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(std::result::Result::ok);
        lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
    });
    let conversation = RefCell::new(Conversation { child, requests, answers });
    let process = TokenizerProcess { folder: folder.to_owned(), conversation };
    match process.answer()? {
        Answer::Ready { switched_off, vocabulary_size } => {
            TextTokenizer::from_source(Box::new(process), switched_off, vocabulary_size)
        }
        other => Err(TokenizerProcess::no_answer(&other)),
    }
}

impl TokenizerProcess {
    fn ask(&self, request: &Request) -> Result<Answer> {
        let line = serde_json::to_string(request).map_err(|cause| Error::harness(cause.to_string()))?;
        // One that has ended is found where its answer is awaited.
        let _ = writeln!(self.conversation.borrow_mut().requests, "{line}");
        self.answer()
    }

    fn answer(&self) -> Result<Answer> {
        let mut conversation = self.conversation.borrow_mut();
        let line = match conversation.answers.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => {
                let status = conversation.child.wait();
                let signal = status.as_ref().ok().and_then(|status| signal_of(*status));
                let how = signal.map_or("it ended".to_owned(), |signal| format!("signal {signal}"));
                return Err(self.damaged(&format!("OpenVINO crashed on it ({how})")));
            }
            Err(RecvTimeoutError::Timeout) => {
                let _ = conversation.child.kill();
                return Err(self.damaged(&format!("OpenVINO had no answer within {} s", PATIENCE.as_secs())));
            }
        };
        match serde_json::from_str(&line) {
            Ok(Answer::Failed(failed)) => Err(failed.into()),
            Ok(answer) => Ok(answer),
            Err(cause) => {
                Err(Error::harness(format!("the process of the tokenizer IR says `{line}`: {cause}")))
            }
        }
    }

    fn damaged(&self, what: &str) -> Error {
        Error::input(format!("the tokenizer IR in `{}` cannot be used: {what}", self.folder.display()))
            .hint("fetch the model again, or name a `tokenizer.json` with `--tokenizer FILE`")
    }

    fn no_answer(answer: &Answer) -> Error {
        Error::harness(format!("the process of the tokenizer IR answers {answer:?} to something else"))
    }
}

impl TokenizerSource for TokenizerProcess {
    fn encode(&self, text: &str) -> Result<Vec<TokenId>> {
        match self.ask(&Request::Encode(text.to_owned()))? {
            Answer::Ids(ids) => Ok(ids),
            other => Err(Self::no_answer(&other)),
        }
    }

    fn decode(&self, ids: &[TokenId]) -> Result<String> {
        match self.ask(&Request::Decode(ids.to_vec()))? {
            Answer::Text(text) => Ok(text),
            other => Err(Self::no_answer(&other)),
        }
    }
}

impl Drop for TokenizerProcess {
    fn drop(&mut self) {
        let child = &mut self.conversation.get_mut().child;
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl fmt::Debug for TokenizerProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenizerProcess").field("folder", &self.folder).finish_non_exhaustive()
    }
}
