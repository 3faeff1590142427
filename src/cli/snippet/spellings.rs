//! Every way to write an identity header, as proxies can look for it: applications read `Remote-User`, `remote_user` and
//! `Remote.User` as one.

/// What may stand between two words of a header's name.
const BETWEEN: &str = "[^a-z0-9]*";

/// The beginnings of the names that are ours, whichever of them are spoken, and of those that other gateways speak:
/// `gate::identity_headers` removes the same.
const FAMILIES: [&str; 20] = [
    "Remote",
    "X-Wechat",
    "X-Wxgate",
    "X-Remote",
    "X-Auth-Request",
    "X-Authentik",
    "X-Webauth",
    "X-Vouch",
    "X-Pomerium",
    "X-Token-User",
    "X-Authenticated",
    "X-Goog-Authenticated",
    "X-Ms-Client-Principal",
    "X-Amzn-Oidc",
    "Cf-Access",
    "Tailscale-User",
    "X-Proxy-User",
    "X-Proxy-Roles",
    "Sm-User",
    "Auth-User",
];

/// Names under which a visitor could speak for a proxy, beside those that the proxies set or remove themselves.
const FORWARDED: [&str; 29] = [
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Displayname",
    "X-Forwarded-Mail",
    "X-Forwarded-By",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Path",
    "X-Forwarded-Scheme",
    "X-Ssl-Client-Cert",
    "Ssl-Client-Cert",
    "Ssl-Client-Verify",
    "X-Client-Cert",
    "X-Cluster-Client-Ip",
    "True-Client-Ip",
    "Cf-Connecting-Ip",
    "Fastly-Client-Ip",
    "Client-Ip",
    "Proxy-Client-Ip",
    "Wl-Proxy-Client-Ip",
    "X-Host",
    "X-Http-Host-Override",
    "X-Scheme",
    "X-Url-Scheme",
    "Front-End-Https",
    "X-Accel-Redirect",
    "Http2-Settings",
];

/// A header's name in usual capitals: `X-Wechat-Openid`.
pub(super) fn in_capitals(name: &str) -> String {
    let mut starts_word = true;
    let capital = |character: char| {
        let written =
            if starts_word { character.to_ascii_uppercase() } else { character.to_ascii_lowercase() };
        starts_word = character == '-';
        written
    };
    name.chars().map(capital).collect()
}

/// A regular expression without quotes and backslashes that finds the families and `headers` in every spelling, to be
/// held against names in small letters.
pub(super) fn pattern(headers: &[String]) -> String {
    format!("^({})", patterns(headers).join("|"))
}

/// The alternatives of `pattern`, for Envoy, which takes only short expressions (`re2.max_program_size`).
pub(super) fn patterns(headers: &[String]) -> Vec<String> {
    let families = FAMILIES.iter().map(|family| joined(family));
    let is_other = |name: &&String| !FAMILIES.iter().any(|family| is_spelling_of(family, name));
    let others = headers.iter().filter(is_other).map(|name| format!("{}$", joined(name)));
    families.chain(others).collect()
}

/// The beginnings of names that cover `headers`, for proxies that know no regular expressions.
pub(super) fn families(headers: &[String]) -> Vec<String> {
    let is_other = |name: &&String| !FAMILIES.iter().any(|family| name.starts_with(family));
    let others = headers.iter().filter(is_other).cloned();
    FAMILIES.iter().map(|family| (*family).to_owned()).chain(others).collect()
}

/// The names in which visitors could speak for a proxy, without those of `headers`, which are told anew.
pub(super) fn forwarded(headers: &[String]) -> Vec<&'static str> {
    let is_told = |name: &&str| !headers.iter().any(|header| header.eq_ignore_ascii_case(name));
    FORWARDED.into_iter().filter(is_told).collect()
}

fn joined(name: &str) -> String {
    name.to_ascii_lowercase().split('-').collect::<Vec<_>>().join(BETWEEN)
}

/// Whether the expression for `family` finds `name`.
fn is_spelling_of(family: &str, name: &str) -> bool {
    let (family, name) = (family.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut words = family.split('-');
    let first = words.next().and_then(|word| name.strip_prefix(word));
    words
        .try_fold(first, |rest, word| Some(rest?.trim_start_matches('-').strip_prefix(word)))
        .flatten()
        .is_some()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;
    use crate::gate::identity_headers::{FOREIGN_FAMILIES, FOREIGN_NAMES, IdentityHeaders};
    use crate::model::alias::Alias;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| in_capitals(name)).collect()
    }

    #[test]
    fn names_get_usual_capitals() {
        assert_eq!(
            names(&["remote-user", "x-wechat-openid", "X-WEBAUTH-USER", "user2"]),
            ["Remote-User", "X-Wechat-Openid", "X-Webauth-User", "User2"]
        );
    }

    #[test]
    fn the_families_cover_the_usual_names() {
        let usual = names(&["remote-user", "x-wechat-openid", "x-wxgate-assertion"]);
        let pattern = pattern(&usual);
        assert!(pattern.starts_with("^(remote|x[^a-z0-9]*wechat|x[^a-z0-9]*wxgate|"), "{pattern}");
        assert!(pattern.ends_with("|auth[^a-z0-9]*user)"), "{pattern}");
        assert_eq!(families(&usual), FAMILIES);
    }

    #[test]
    fn names_of_no_family_are_added_whole() {
        let own = names(&["x-forwarded-user", "user", "x-we-chat", "xwechat-id", "-x"]);
        let pattern = pattern(&own);
        let others = "|x[^a-z0-9]*forwarded[^a-z0-9]*user$|user$|x[^a-z0-9]*we[^a-z0-9]*chat$|[^a-z0-9]*x$)";
        assert!(pattern.ends_with(others), "{pattern}");
        let families = families(&own);
        assert_eq!(families[FAMILIES.len()..], ["X-Forwarded-User", "User", "X-We-Chat", "Xwechat-Id", "-X"]);
        assert!(!forwarded(&own).contains(&"X-Forwarded-User") && forwarded(&own).contains(&"X-Host"));
    }

    #[test]
    fn what_the_gateway_removes_itself_the_proxies_remove() {
        let removed = IdentityHeaders::new(Vec::new(), &[], None);
        for family in FAMILIES {
            assert!(removed.resembles(&HeaderName::from_bytes(family.as_bytes()).unwrap()), "{family}");
        }
        for family in FOREIGN_FAMILIES.iter().chain(&FOREIGN_NAMES) {
            let alias = |name: &str| Alias::of(name).as_bytes().to_vec();
            assert!(FAMILIES.iter().any(|ours| alias(ours) == *family), "{family:?}");
        }
    }
}
