//! Pages as the phone's browser shows them: their links lead through the phone, and their scripts are left out.

use url::{Host, Url};

use super::super::browser::unescaped;

/// Where on the phone other sites' pages are.
pub(super) const PREFIX: &str = "/phone/web/";

/// Attributes that lead somewhere.
const LEADING: [&str; 4] = ["action", "formaction", "href", "src"];

/// The address on the phone under which `url` is shown; `None` for what is not on this computer.
pub(super) fn on_phone(url: &Url) -> Option<String> {
    is_here(url).then(|| {
        let place = &url[url::Position::BeforeHost..url::Position::AfterQuery];
        let fragment = url.fragment().map(|fragment| format!("#{fragment}")).unwrap_or_default();
        format!("{PREFIX}{place}{fragment}")
    })
}

/// The address that is shown under this one on the phone.
pub(super) fn behind(path: &str, query: &str) -> Option<Url> {
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let url = Url::parse(&format!("http://{}{query}", path.strip_prefix(PREFIX)?)).ok()?;
    is_here(&url).then_some(url)
}

/// Plain http to this computer, and nowhere else: nothing of the demo leaves it.
pub(super) fn is_here(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && is_loopback && url.username().is_empty() && url.password().is_none()
}

/// `page`, which was found at `at`.
pub(super) fn shown(page: &str, at: &Url) -> String {
    let mut shown = String::with_capacity(page.len());
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        shown.push_str(&rest[..start]);
        rest = &rest[start..];
        if !rest[1..].starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!')) {
            shown.push('<');
            rest = &rest[1..];
            continue;
        }
        let Some(end) = tag_end(rest) else { break };
        let tag = &rest[..end];
        let name = name_of(tag);
        rest = &rest[end..];
        match name.as_str() {
            // What stands for scripts is wanted instead of them.
            "noscript" | "/noscript" => {}
            "script" => rest = rest.find("</script>").map_or("", |end| &rest[end + "</script>".len()..]),
            "style" => {
                let end = rest.find("</style>").unwrap_or(rest.len());
                shown.push_str(tag);
                shown.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            comment if comment.starts_with('!') => shown.push_str(tag),
            _ => shown.push_str(&led(tag, at)),
        }
    }
    shown.push_str(rest);
    shown
}

/// How long the tag, or comment, at the start of `text` is. A `>` in a quoted value does not end it.
fn tag_end(text: &str) -> Option<usize> {
    if text.starts_with("<!--") {
        return text.find("-->").map(|end| end + "-->".len());
    }
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

fn name_of(tag: &str) -> String {
    let name = tag.trim_start_matches('<');
    let end = name.find(|letter: char| letter.is_ascii_whitespace() || letter == '>').unwrap_or(name.len());
    name[..end].to_ascii_lowercase()
}

/// The tag with its addresses on the phone.
fn led(tag: &str, at: &Url) -> String {
    let mut led = String::with_capacity(tag.len());
    let mut rest = tag;
    while let Some(equals) = rest.find("=\"") {
        let (before, value) = (&rest[..equals], &rest[equals + 2..]);
        let Some(end) = value.find('"') else { break };
        let name = before.rsplit(|letter: char| letter.is_ascii_whitespace()).next().unwrap_or_default();
        let leads = LEADING.contains(&name.to_ascii_lowercase().as_str());
        let address = leads.then(|| at.join(&unescaped(&value[..end])).ok()).flatten();
        let address = address.as_ref().and_then(on_phone).map(|address| escaped(&address));
        led.push_str(before);
        led.push_str("=\"");
        led.push_str(address.as_deref().unwrap_or(&value[..end]));
        led.push('"');
        rest = &value[end + 1..];
    }
    led.push_str(rest);
    led
}

fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Url {
        address.parse().unwrap()
    }

    #[test]
    fn links_forms_and_pictures_lead_through_the_phone() {
        let page = "<a class=\"b\" href=\"&#x2f;_wxgate&#x2f;confirm?c=1&amp;share=1\">x</a>\
                    <form method=\"post\" action=\"/say\"><img src=\"http://localhost:1/p?q\"><a href=\"?b=2\">y</a>";
        let shown = shown(page, &at("http://localhost:8480/dir/page?a=1"));
        let expected = "<a class=\"b\" href=\"/phone/web/localhost:8480/_wxgate/confirm?c=1&amp;share=1\">x</a>\
                        <form method=\"post\" action=\"/phone/web/localhost:8480/say\">\
                        <img src=\"/phone/web/localhost:1/p?q\">\
                        <a href=\"/phone/web/localhost:8480/dir/page?b=2\">y</a>";
        assert_eq!(shown, expected);
    }

    #[test]
    fn scripts_are_left_out_and_what_stands_for_them_is_shown() {
        let page = "<noscript><meta content=\"4\"></noscript><style>a>b{}</style><script>if (1<2) x(\"<a>\")</script>\
                    <p title='a>b'>1 < 2 \"</p><!-- <a href=\"/x\"> -->";
        let shown = shown(page, &at("http://localhost/"));
        let expected =
            "<meta content=\"4\"><style>a>b{}</style><p title='a>b'>1 < 2 \"</p><!-- <a href=\"/x\"> -->";
        assert_eq!(shown, expected);
    }

    #[test]
    fn only_this_computer_is_shown() {
        for there in
            ["https://localhost/", "http://example.com/", "http://localhost.example/", "http://u@localhost/"]
        {
            assert_eq!(on_phone(&at(there)), None, "{there}");
        }
        for path in
            ["/phone/web/example.com/", "/phone/web/localhost:1@example.com/", "/phone/web/", "/other"]
        {
            assert_eq!(behind(path, ""), None, "{path}");
        }
        let url = at("http://a.localhost:8480/x?y=%E7&z");
        assert_eq!(on_phone(&url).as_deref(), Some("/phone/web/a.localhost:8480/x?y=%E7&z"));
        assert_eq!(behind("/phone/web/a.localhost:8480/x", "y=%E7&z"), Some(url));
    }
}
