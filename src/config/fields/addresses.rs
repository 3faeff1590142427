//! Addresses in the configuration: what browsers use, and where applications listen.

use http::uri;
use url::Url;

use crate::config::problem::Place;
use crate::config::section::Section;
use crate::model::host::Authority;
use crate::model::path::CanonicalPath;
use crate::model::visit::Scheme;
use crate::proxy::UpstreamScheme;

/// `public_url`, taken apart.
#[derive(Clone, Debug)]
pub(super) struct PublicUrl {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
}

/// An application's address, taken apart.
pub(super) type UpstreamAddress = (UpstreamScheme, uri::Authority);

/// A whole http(s) address without path, query or user information.
pub(super) fn public_url(text: &str) -> Result<PublicUrl, String> {
    let (scheme, rest) = split_scheme(text, "https")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        let bare = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return Err(format!(
            "protected applications start at the root: write \"{}://{bare}\" (paths belong in [[routes]])",
            scheme.as_str()
        ));
    }
    let authority = Authority::parse(rest).map_err(|_| {
        if rest.contains('@') {
            "write it without user name and password".to_owned()
        } else {
            format!("`{rest}` is not a host name; write \"https://app.example.com\"")
        }
    })?;
    Ok(PublicUrl { scheme, authority: authority.without_default_port(scheme.is_https()) })
}

/// Where an application listens.
pub(super) fn upstream(text: &str) -> Result<UpstreamAddress, String> {
    let (scheme, rest) = match text.strip_prefix("h2c://") {
        Some(rest) => (UpstreamScheme::H2c, rest),
        None => match split_scheme(text, "http")? {
            (Scheme::Http, rest) => (UpstreamScheme::Http, rest),
            (Scheme::Https, rest) => (UpstreamScheme::Https, rest),
        },
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        return Err(
            "write scheme, host and port only; the visitor's path is kept (see strip_prefix)".to_owned()
        );
    }
    if rest.contains('@') {
        return Err("write it without user name and password".to_owned());
    }
    Authority::parse(rest).map_err(|_| format!("`{rest}` is not a host and port, such as 127.0.0.1:3000"))?;
    let authority = rest.parse().map_err(|_| format!("`{rest}` is not a host and port"))?;
    Ok((scheme, authority))
}

/// The base address of one of WeChat's hosts, or of a simulator: no trailing slash.
pub(super) fn base(text: &str) -> Result<String, String> {
    let (_, rest) = split_scheme(text, "https")?;
    let url = Url::parse(text).map_err(|_| format!("`{rest}` is not a host name"))?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("write scheme, host and port only".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// A path prefix for a route, in canonical form and without trailing slash.
pub(super) fn path_prefix(text: &str) -> Result<String, String> {
    if text.contains('*') {
        let bare = text.trim_end_matches('*');
        return Err(format!("a path covers everything below it: write \"{bare}\""));
    }
    let path =
        CanonicalPath::parse(text).map_err(|error| format!("{error}; write a path such as \"/admin\""))?;
    if path.as_str().contains('?') {
        return Err("queries are never part of a match; write the path only".to_owned());
    }
    if path.is_under("/_wxgate") {
        return Err("/_wxgate/ is the gateway's own and never forwarded".to_owned());
    }
    Ok(path.as_str().trim_end_matches('/').to_owned())
}

/// Session cookies over plain http can be read and planted by anyone on the way, so for every host but this computer
/// itself it must be asked for.
pub(super) fn complain_about_plain_http(
    top: &Section<'_>,
    place: &Place,
    scheme: Scheme,
    host: &Authority,
    insecure_http: bool,
) {
    if scheme.is_https() || host.host.is_loopback() {
        return;
    }
    if insecure_http {
        top.warn(
            place,
            "browsers reach this site by plain http",
            "anyone on the way can read and copy session cookies; use https as soon as you can",
        );
    } else {
        top.complain(
            place,
            "plain http is only safe on this computer itself",
            format!(
                "let public_url begin with https, as in \"https://{host}\", or set insecure_http = true in [server] if the network is trusted"
            ),
        );
    }
}

fn split_scheme<'a>(text: &'a str, usual: &str) -> Result<(Scheme, &'a str), String> {
    if let Some(rest) = text.strip_prefix("https://") {
        return Ok((Scheme::Https, rest));
    }
    if let Some(rest) = text.strip_prefix("http://") {
        return Ok((Scheme::Http, rest));
    }
    match text.split_once("://") {
        Some((scheme, rest)) => Err(format!("`{scheme}` is not supported: write \"{usual}://{rest}\"")),
        None => Err(format!("`{text}` needs a scheme: write \"{usual}://{text}\"")),
    }
}
