//! Where an answer sends on to, and whose address that is.

use ureq::http::Uri;

/// Scheme, host and port: what decides whose an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// Whether what is sent there is read by nobody on the way.
    pub(super) fn is_private(&self) -> bool {
        self.scheme == "https" || ["127.0.0.1", "localhost", "[::1]"].contains(&self.host.as_str())
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        let usual = if self.scheme == "https" { 443 } else { 80 };
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// Whose an address is; None where it is none that may be asked, such as one with a user's name in it.
pub(super) fn origin_of(address: &Uri) -> Option<Origin> {
    let scheme = address.scheme_str()?.to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let authority = address.authority()?;
    let host = authority.host().to_ascii_lowercase();
    if authority.as_str().contains('@') || host.is_empty() {
        return None;
    }
    Some(Origin { scheme, host, port: authority.port_u16().unwrap_or(usual) })
}

/// The address that a redirect names, seen from the one that was asked; None where it may not be followed:
/// out of TLS, or to what is no address.
pub(super) fn next_address(asked: &Uri, location: &str) -> Option<Uri> {
    let named = if location.starts_with('/') && !location.starts_with("//") {
        let mut parts = asked.clone().into_parts();
        parts.path_and_query = Some(location.parse().ok()?);
        Uri::from_parts(parts).ok()?
    } else {
        location.parse().ok()?
    };
    let (from, to) = (origin_of(asked)?, origin_of(&named)?);
    (from.scheme == "http" || to.scheme == "https").then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(location: &str) -> Option<String> {
        let asked = "https://hub.example:8443/a/b?c=d".parse().unwrap();
        next_address(&asked, location).map(|next| next.to_string())
    }

    #[test]
    fn a_redirect_is_followed_within_the_hub_and_to_another() {
        assert_eq!(next("/x/y?z").as_deref(), Some("https://hub.example:8443/x/y?z"));
        assert_eq!(next("https://cdn.example/x?sig=1").as_deref(), Some("https://cdn.example/x?sig=1"));
    }

    #[test]
    fn a_redirect_out_of_tls_or_to_no_address_is_not_followed() {
        for location in [
            "http://cdn.example/x",
            "ftp://cdn.example/x",
            "file:///etc/passwd",
            "//cdn.example/x",
            "x/y",
            "",
            "https://a@b/",
        ] {
            assert_eq!(next(location), None, "{location}");
        }
    }
}
