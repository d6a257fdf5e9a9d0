//! Where the hub is and who asks, by the variables that its own clients know.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use ureq::http::Uri;

use crate::error::{Error, Result};
use crate::record::hub::address::{RepositoryName, Revision};
use crate::record::hub::redirect::{Origin, origin_of};

/// The hub that is asked where no other is named.
const HUB: &str = "https://huggingface.co";
/// What is said of a token that is not right.
const TOKEN_HINT: &str = "give one of the hub's tokens: `HF_TOKEN=hf_... cargo xtask model fetch ...`";

/// Where a hub is, and the token for it. The token is shown to nobody, not even to a log.
#[derive(Clone)]
pub struct HubAccess {
    base: String,
    origin: Origin,
    token: Option<String>,
    certificates: Option<PathBuf>,
}

impl HubAccess {
    /// What the user's variables say: `HF_ENDPOINT`; `HF_TOKEN`, else the file `HF_TOKEN_PATH`, else
    /// `token` in `HF_HOME`; `SSL_CERT_FILE` for other roots of trust than the usual.
    ///
    /// # Errors
    /// An endpoint that is none, a token that cannot be one, or `HF_HUB_OFFLINE`.
    pub fn from_environment() -> Result<Self> {
        Self::from_variables(&|name| env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self> {
        let text = |name: &str| match variable(name).map(OsString::into_string) {
            Some(Ok(text)) => Ok(Some(text.trim().to_owned())),
            Some(Err(_)) => Err(Error::input(format!("`{name}` is no text")).hint("unset it, or mend it")),
            None => Ok(None),
        };
        if text("HF_HUB_OFFLINE")?
            .is_some_and(|value| ["1", "true", "yes", "on"].contains(&value.to_lowercase().as_str()))
        {
            return Err(Error::input("`HF_HUB_OFFLINE` is set, so the hub is not asked")
                .hint("unset it to fetch a model"));
        }
        let base = text("HF_ENDPOINT")?.unwrap_or_else(|| HUB.to_owned());
        let token = match text("HF_TOKEN")? {
            Some(token) => Some(token),
            None => token_file(variable)
                .and_then(|file| fs::read_to_string(file).ok())
                .map(|text| text.trim().to_owned()),
        };
        let certificates = variable("SSL_CERT_FILE").map(PathBuf::from);
        Ok(Self { certificates, ..Self::new(&base, token.filter(|token| !token.is_empty()))? })
    }

    /// A hub at this address, asked with this token.
    ///
    /// # Errors
    /// An address that is none, a token that cannot be one, or that would travel in the clear.
    pub fn new(base: &str, token: Option<String>) -> Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        let uri = base.parse::<Uri>().ok().filter(|uri| uri.query().is_none());
        let origin = uri.as_ref().and_then(origin_of).ok_or_else(|| {
            Error::input("`HF_ENDPOINT` is no address of a hub").hint(format!(
                "unset it for `{HUB}`, or name another as in `HF_ENDPOINT=https://hub.example`"
            ))
        })?;
        if token.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Error::input("the hub's token has characters that no token has").hint(TOKEN_HINT));
        }
        if token.is_some() && !origin.is_private() {
            return Err(Error::input(format!("the token would travel to `{origin}` for anybody to read"))
                .hint("name the endpoint with `https://`, or unset the token"));
        }
        Ok(Self { base, origin, token, certificates: None })
    }

    /// Whether there is a token.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// A file with roots of trust, where the user names one.
    pub(super) fn certificates(&self) -> Option<&PathBuf> {
        self.certificates.as_ref()
    }

    /// Whether an address is the hub's own.
    pub(super) fn is_own(&self, address: &Uri) -> bool {
        origin_of(address).is_some_and(|origin| origin == self.origin)
    }

    /// The token, for the hub's own addresses alone.
    pub(super) fn token_for(&self, address: &Uri) -> Option<&str> {
        self.token.as_deref().filter(|_| self.is_own(address))
    }

    /// Where a repository's files are listed, with sizes and hashes.
    pub(super) fn listing_address(&self, repository: &RepositoryName, revision: &Revision) -> String {
        format!("{}/api/models/{repository}/revision/{}?blobs=true", self.base, revision.encoded())
    }

    /// Where a file is at a commit.
    pub(super) fn file_address(&self, repository: &RepositoryName, commit: &str, file: &str) -> String {
        format!("{}/{repository}/resolve/{commit}/{file}", self.base)
    }
}

impl std::fmt::Display for HubAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.origin.fmt(f)
    }
}

/// Where the hub's own clients keep the token.
fn token_file(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(file) = variable("HF_TOKEN_PATH") {
        return Some(PathBuf::from(file));
    }
    let home = || env::home_dir().map(|home| home.join(".cache"));
    let cache =
        || variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).map(|cache| cache.join("huggingface"));
    Some(variable("HF_HOME").map(PathBuf::from).or_else(cache)?.join("token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(variables: &[(&str, &str)]) -> Result<HubAccess> {
        HubAccess::from_variables(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            // Nobody's own token is read by a test.
            found.map(|(_, value)| value.into()).or_else(|| (name == "HF_HOME").then(|| "/nowhere".into()))
        })
    }

    #[test]
    fn a_token_comes_from_the_variable_else_from_the_file_it_names_else_from_the_hub_s_home() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("token"), "hf_home\n").unwrap();
        fs::write(home.path().join("other"), " hf_other ").unwrap();
        let (home, other) = (home.path().to_str().unwrap(), home.path().join("other"));
        let all = [("HF_TOKEN", "hf_said"), ("HF_TOKEN_PATH", other.to_str().unwrap()), ("HF_HOME", home)];
        let tokens = [&all[..], &all[1..], &all[2..], &[]].map(|said| access(said).unwrap().token);
        assert_eq!(
            tokens.each_ref().map(Option::as_deref),
            [Some("hf_said"), Some("hf_other"), Some("hf_home"), None]
        );
    }

    #[test]
    fn a_token_is_for_the_hub_s_own_addresses_alone() {
        let access = access(&[("HF_TOKEN", "hf_x"), ("HF_ENDPOINT", "https://Hub.example/mirror/")]).unwrap();
        let own = ["https://hub.example/a", "https://hub.example:443/a", "https://HUB.EXAMPLE/"];
        let foreign = [
            "https://cdn.example/a",
            "http://hub.example/a",
            "https://hub.example:444/a",
            "https://hub.example.cdn.example/",
        ];
        let token = |address: &str| access.token_for(&address.parse().unwrap()).map(str::to_owned);
        assert!(own.iter().all(|address| token(address).as_deref() == Some("hf_x")));
        assert!(foreign.iter().all(|address| token(address).is_none()));
        assert_eq!(
            access.file_address(&RepositoryName::parse("a/b").unwrap(), "c0ffee", "config.json"),
            "https://Hub.example/mirror/a/b/resolve/c0ffee/config.json"
        );
    }

    #[test]
    fn what_cannot_be_an_endpoint_or_a_token_is_refused_without_telling_the_token() {
        for endpoint in [
            "hub.example",
            "ftp://hub.example",
            "https://",
            "https://user:secret@hub.example",
            "https://h/?q",
        ] {
            let error = access(&[("HF_ENDPOINT", endpoint)]).err().unwrap();
            assert!(
                error.to_string().contains("HF_ENDPOINT") && !error.to_string().contains("secret"),
                "{endpoint}"
            );
        }
        let split = access(&[("HF_TOKEN", "hf_a\r\nHost: b")]).err().unwrap();
        assert!(!split.to_string().contains("hf_a") && split.hint_text().unwrap().contains("HF_TOKEN"));
        let open = access(&[("HF_TOKEN", "hf_a"), ("HF_ENDPOINT", "http://hub.example")]).err().unwrap();
        assert!(open.to_string().contains("for anybody to read") && !open.to_string().contains("hf_a"));
        assert!(access(&[("HF_TOKEN", "hf_a"), ("HF_ENDPOINT", "http://127.0.0.1:80")]).is_ok());
        assert!(access(&[("HF_HUB_OFFLINE", "1")]).is_err() && access(&[("HF_HUB_OFFLINE", "0")]).is_ok());
    }
}
