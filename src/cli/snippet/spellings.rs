//! Every way to write an identity header, as proxies can look for it: applications read `Remote-User`, `remote_user` and
//! `Remote.User` as one.

/// What may stand between two words of a header's name.
const BETWEEN: &str = "[^a-z0-9]*";

/// The beginnings of the names that are ours, whichever of them are spoken.
const FAMILIES: [&str; 3] = ["Remote", "X-Wechat", "X-Wxgate"];

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
        assert_eq!(pattern(&usual), "^(remote|x[^a-z0-9]*wechat|x[^a-z0-9]*wxgate)");
        assert_eq!(families(&usual), ["Remote", "X-Wechat", "X-Wxgate"]);
    }

    #[test]
    fn names_of_no_family_are_added_whole() {
        let own = names(&["x-webauth-user", "user", "x-we-chat", "xwechat-id", "-x"]);
        assert_eq!(
            pattern(&own),
            "^(remote|x[^a-z0-9]*wechat|x[^a-z0-9]*wxgate|x[^a-z0-9]*webauth[^a-z0-9]*user$|user$\
             |x[^a-z0-9]*we[^a-z0-9]*chat$|[^a-z0-9]*x$)"
        );
        assert_eq!(
            families(&own),
            ["Remote", "X-Wechat", "X-Wxgate", "X-Webauth-User", "User", "X-We-Chat", "Xwechat-Id", "-X"]
        );
    }
}
