//! Whether the two apps may stand in each other's place: what each fails with by itself does not say so.

use super::finding::{Doubt, Finding, text};

/// Says so where both fail in the same way that fits.
pub(super) fn say(website: &mut [Finding], account: &mut [Finding]) {
    let is_cast = |on: &[Finding], doubt| on.iter().any(|finding| finding.doubt() == Some(doubt));
    let Some(doubt) = [Doubt::Secret, Doubt::Id]
        .into_iter()
        .find(|doubt| is_cast(website, *doubt) && is_cast(account, *doubt))
    else {
        return;
    };
    let what = match doubt {
        Doubt::Secret => text(
            "两个应用的都不对，可能是网站应用与公众号的写反了",
            "as both apps' are wrong, those of website app and Official Account may be swapped",
        ),
        Doubt::Id => text(
            "两个应用都不对，可能是网站应用与公众号的 AppID 和 AppSecret 写反了",
            "as both apps fail, AppID and AppSecret of website app and Official Account may be swapped",
        ),
    };
    let first = text(
        "先看 [wechat.website] 与 [wechat.official_account] 的 app_id、app_secret 是否互换了。",
        "See first whether app_id or app_secret of [wechat.website] and [wechat.official_account] stand in each other's place.",
    );
    for finding in
        website.iter_mut().chain(account.iter_mut()).filter(|finding| finding.doubt() == Some(doubt))
    {
        finding.explain(&what, &first);
    }
}
