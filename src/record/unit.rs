//! Which of several machines of one model measured: for whoever owns many, and only where they chose it.

use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{Error, Result};
use crate::files::{FileKind, read_text};
use crate::record::encoded::hex;
use crate::record::is_hex;

const MACHINE_ID: &str = "/etc/machine-id";
const MACHINE_ID_DIGITS: usize = 32;
/// What the machine's id is the key for. The id itself must not leave the machine: machine-id(5).
const PURPOSE: &[u8] = b"arcgauge unit 1";
/// Hexadecimal digits of a unit's id.
const DIGITS: usize = 32;

/// The id of this machine: HMAC-SHA256 with its machine-id as the key. It says nothing of the machine, and is the same
/// until the system is installed again.
///
/// # Errors
/// A machine without a machine-id.
pub fn unit_id() -> Result<String> {
    let text = read_text(Path::new(MACHINE_ID), FileKind::Text)
        .map_err(|error| error.or_hint("make one: `sudo systemd-machine-id-setup`"))?;
    of_machine_id(text.trim())
}

fn of_machine_id(machine_id: &str) -> Result<String> {
    if !is_hex(machine_id, MACHINE_ID_DIGITS) || machine_id.bytes().all(|digit| digit == b'0') {
        return Err(Error::environment(format!("`{MACHINE_ID}` has no machine-id in it"))
            .hint("make one: `sudo systemd-machine-id-setup`"));
    }
    let mut keyed = Hmac::<Sha256>::new_from_slice(machine_id.as_bytes())
        .map_err(|cause| Error::harness(format!("the unit has no id: {cause}")))?;
    keyed.update(PURPOSE);
    let mut id = hex(&keyed.finalize().into_bytes());
    id.truncate(DIGITS);
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_one_id_which_is_not_its_machine_id_and_no_other_has_it() {
        let (one, other) = ("0123456789abcdef0123456789abcdef", "1123456789abcdef0123456789abcdef");
        let id = of_machine_id(one).unwrap();
        // By `openssl dgst -sha256 -hmac` over the same text.
        assert_eq!(id, "38bbccdcd586409af061c3fd5bde470e");
        assert_ne!(of_machine_id(other).unwrap(), id);
        for wrong in ["", "uninitialized", "0123", &"0".repeat(32)] {
            let error = of_machine_id(wrong).unwrap_err().to_string();
            assert!(error.contains("machine-id"), "{error}");
        }
    }
}
