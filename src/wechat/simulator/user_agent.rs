//! Tells WeChat's own browser from every other one, WeCom's included.

/// Whether this is WeChat's built-in browser. WeCom's says `MicroMessenger` too, so it is looked for first.
pub(super) fn is_wechat(user_agent: &str) -> bool {
    let text = user_agent.to_ascii_lowercase();
    !is_wecom(&text) && says(&text, "micromessenger/", |next| next.is_some_and(|c| c.is_ascii_digit()))
}

fn is_wecom(text: &str) -> bool {
    text.contains("wxworklocal/")
        || text.contains("wwlocal/")
        || says(text, "wxwork", |next| next.is_none_or(|c| !c.is_ascii_lowercase()))
}

/// Whether `word` stands in `text` at the start of a word and is followed by what `follows` wants.
fn says(text: &str, word: &str, follows: impl Fn(Option<char>) -> bool) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let starts_word = text[..at].chars().next_back().is_none_or(|c| !c.is_ascii_lowercase());
        starts_word && follows(text[at + word.len()..].chars().next())
    })
}
