//! Every way to write an identity header, as proxies can look for it: applications read `Remote-User`, `remote_user` and
//! `Remote.User` as one.

/// What may stand between two words of a header's name.
const BETWEEN: &str = "[^a-z0-9]*";

/// How names begin under which a gateway says who somebody is, ours first: no visitor may say any of them.
const FAMILIES: [&str; 15] = [
    "Remote",
    "X-Wechat",
    "X-Wxgate",
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
];

/// Single names beside the families.
const NAMES: [&str; 4] = ["X-Proxy-User", "X-Proxy-Roles", "Sm-User", "Auth-User"];

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

/// Its alternatives, for proxies that take no long expressions.
pub(super) fn patterns(headers: &[String]) -> Vec<String> {
    let families = FAMILIES.iter().map(|family| joined(family));
    let is_other = |name: &&str| !FAMILIES.iter().any(|family| is_spelling_of(family, name));
    let others = NAMES.into_iter().chain(headers.iter().map(String::as_str)).filter(is_other);
    families.chain(others.map(|name| format!("{}$", joined(name)))).collect()
}

/// The beginnings of names that cover `headers`, for proxies that know no regular expressions.
pub(super) fn families(headers: &[String]) -> Vec<String> {
    let is_other = |name: &&str| !FAMILIES.iter().any(|family| name.starts_with(family));
    let others = NAMES.into_iter().chain(headers.iter().map(String::as_str)).filter(is_other);
    FAMILIES.into_iter().chain(others).map(str::to_owned).collect()
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
    use super::*;
    use crate::gate::identity_headers;
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
    fn the_families_are_those_that_the_gateway_itself_takes_out() {
        let written = FAMILIES.iter().chain(&NAMES).map(|name| Alias::of(name));
        assert!(written.eq(identity_headers::foreign_names()));
    }

    #[test]
    fn the_families_cover_the_usual_names() {
        let usual = names(&["remote-user", "x-wechat-openid", "x-wxgate-assertion", "x-webauth-user"]);
        assert_eq!(patterns(&usual), patterns(&[]));
        assert_eq!(families(&usual), families(&[]));
        let pattern = pattern(&usual);
        assert!(pattern.starts_with("^(remote|x[^a-z0-9]*wechat|x[^a-z0-9]*wxgate|"), "{pattern}");
        assert!(pattern.ends_with("|sm[^a-z0-9]*user$|auth[^a-z0-9]*user$)"), "{pattern}");
    }

    #[test]
    fn names_of_no_family_are_added_whole() {
        let own = names(&["x-forwarded-user", "user", "x-we-chat", "xwechat-id", "-x"]);
        let added = patterns(&own).split_off(patterns(&[]).len());
        assert_eq!(
            added,
            ["x[^a-z0-9]*forwarded[^a-z0-9]*user$", "user$", "x[^a-z0-9]*we[^a-z0-9]*chat$", "[^a-z0-9]*x$"]
        );
        let added = families(&own).split_off(families(&[]).len());
        assert_eq!(added, ["X-Forwarded-User", "User", "X-We-Chat", "Xwechat-Id", "-X"]);
    }
}
