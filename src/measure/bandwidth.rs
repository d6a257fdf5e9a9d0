//! The bandwidth reference: a fixed piece of work that the memory's bandwidth bounds, as decoding is. Where it
//! changes, the machine changed its speed.

use std::hint::black_box;
use std::num::NonZero;
use std::sync::RwLock;
use std::thread::{Builder, ScopedJoinHandle, available_parallelism, scope};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What is read: far more than the last-level cache of the laptops and desktops that this is for.
pub const BANDWIDTH_BUFFER_BYTES: usize = 256 << 20;
/// How often it is read. At 5 GB/s, a slow memory, that takes a quarter of a second.
const PASSES: usize = 5;
/// Shares of the buffer are whole pairs of pages, so that their halves are equally long.
const SHARE_UNIT_BYTES: usize = 2 * 4096;

/// What the bandwidth reference measured; the raw times are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandwidthReading {
    /// Bytes of the buffer; each pass reads all of them once.
    pub buffer_bytes: u64,
    /// Threads that shared the work: one a core that this process may use.
    pub threads: u64,
    /// How long each pass took, from the first thread's start to the last one's end.
    pub pass_ns: Vec<u64>,
}

impl BandwidthReading {
    /// Bandwidth of the best pass, bytes per second; None where there is no pass.
    ///
    /// The best, as in STREAM: what disturbs a pass can only slow it down.
    pub fn bandwidth_bytes_per_s(&self) -> Option<f64> {
        let best_ns = self.pass_ns.iter().copied().min().filter(|best_ns| *best_ns > 0)?;
        Some(self.buffer_bytes as f64 / (best_ns as f64 / 1e9))
    }
}

/// The fixed kernel: every core reads its share of a buffer of [`BANDWIDTH_BUFFER_BYTES`].
///
/// A share is read by holding its two halves, which are equal, against each other. That is one call
/// of the system's comparison of memory, which is vectorised in every build of this program; a loop
/// of ours would measure the compiler where it does not optimise.
#[derive(Debug, Clone, Copy)]
pub struct BandwidthReference;

impl BandwidthReference {
    /// Allocates, reads, and frees. The buffer is resident meanwhile: this does not belong inside a
    /// phase whose peak of memory counts.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn run() -> Result<BandwidthReading> {
        run_on(BANDWIDTH_BUFFER_BYTES, available_parallelism().map_or(1, NonZero::get))
    }
}

fn run_on(bytes: usize, cores: usize) -> Result<BandwidthReading> {
    // Not zeros: those may all be one page until they are written to.
    let buffer = vec![1_u8; bytes];
    let share_bytes = bytes.div_ceil(cores).next_multiple_of(SHARE_UNIT_BYTES);
    let shares: Vec<&[u8]> = buffer.chunks(share_bytes).collect();
    let pass_ns = (0..PASSES).map(|_| pass_ns(&shares)).collect::<Result<_>>()?;
    Ok(BandwidthReading { buffer_bytes: bytes as u64, threads: shares.len() as u64, pass_ns })
}

/// When one thread read its share.
struct Turn {
    start: Instant,
    end: Instant,
}

/// Reads all shares at the same time, one a thread.
fn pass_ns(shares: &[&[u8]]) -> Result<u64> {
    // Nobody starts before all are there; and if one does not come, nobody waits for ever.
    let gate = &RwLock::new(());
    let turns = scope(|scope| {
        let closed = gate.write();
        let spawn = |share| Builder::new().spawn_scoped(scope, move || turn(share, gate));
        let threads: Result<Vec<ScopedJoinHandle<Turn>>, _> = shares.iter().copied().map(spawn).collect();
        drop(closed);
        let threads = threads.map_err(|cause| no_thread(&cause))?;
        let ended = threads.into_iter().map(ScopedJoinHandle::join);
        ended.collect::<Result<Vec<Turn>, _>>().map_err(|_| no_thread(&"a thread ended early"))
    })?;
    let start = turns.iter().map(|turn| turn.start).min();
    let end = turns.iter().map(|turn| turn.end).max();
    let elapsed = start.zip(end).map(|(start, end)| end.duration_since(start));
    Ok(elapsed.map_or(0, |elapsed| u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)))
}

fn turn(share: &[u8], gate: &RwLock<()>) -> Turn {
    drop(gate.read());
    let start = Instant::now();
    black_box(halves_are_equal(black_box(share)));
    Turn { start, end: Instant::now() }
}

/// Reads to the end only if they are.
fn halves_are_equal(share: &[u8]) -> bool {
    let (first, second) = share.split_at(share.len() / 2);
    first == second
}

fn no_thread(cause: &dyn std::fmt::Display) -> Error {
    Error::harness(format!("the bandwidth reference cannot run on every core: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bandwidth_reference_keeps_every_pass_and_takes_the_bandwidth_of_the_best() {
        let reading = BandwidthReading { buffer_bytes: 1000, threads: 2, pass_ns: vec![500, 250, 1000] };
        assert_eq!(reading.bandwidth_bytes_per_s(), Some(4e9));
        let none = BandwidthReading { pass_ns: Vec::new(), ..reading };
        assert_eq!(none.bandwidth_bytes_per_s(), None);
    }

    #[test]
    fn the_reading_is_serialised_with_units() {
        let reading = BandwidthReading { buffer_bytes: 8192, threads: 1, pass_ns: vec![7] };
        let text = serde_json::to_string(&reading).unwrap();
        assert_eq!(text, r#"{"buffer_bytes":8192,"threads":1,"pass_ns":[7]}"#);
        assert_eq!(serde_json::from_str::<BandwidthReading>(&text).unwrap(), reading);
    }

    #[test]
    fn a_share_is_read_to_its_last_byte() {
        let mut share = vec![1_u8; SHARE_UNIT_BYTES];
        assert!(halves_are_equal(&share), "or reading would end at once");
        *share.last_mut().unwrap() = 2;
        assert!(!halves_are_equal(&share));
    }

    #[test]
    fn cores_that_do_not_divide_the_buffer_read_all_of_it_in_equal_halves() {
        for cores in [1, 3, 7, 64] {
            let reading = run_on(1 << 20, cores).unwrap();
            assert_eq!((reading.buffer_bytes, reading.pass_ns.len()), (1 << 20, PASSES));
            assert!(reading.threads >= 1 && reading.threads <= cores as u64, "{reading:?}");
            assert!(reading.pass_ns.iter().all(|pass_ns| *pass_ns > 0), "{reading:?}");
        }
    }
}
