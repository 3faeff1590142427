//! Draws a page: words and values into the templates, with the policy that lets only our own style and script run.

use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, HtmlEscape, State, UndefinedBehavior, context};

use super::face::Face;
use super::language::{Language, LanguageLinks};
use super::page::Page;
use super::words;
use crate::model::clock::Timestamp;

const STYLE: &str = include_str!("style.css");
const COPY_SCRIPT: &str = include_str!("copy.js");
const BRIEF_STYLE: &str = include_str!("brief.css");
const TEMPLATES: &[(&str, &str)] = &[
    ("brief.html", include_str!("templates/brief.html")),
    ("actions.html", include_str!("templates/actions.html")),
    ("elsewhere.html", include_str!("templates/elsewhere.html")),
    ("layout.html", include_str!("layout.html")),
    ("notice.html", include_str!("templates/notice.html")),
    ("sign_in.html", include_str!("templates/sign_in.html")),
    ("sign_out.html", include_str!("templates/sign_out.html")),
];

/// Longest page for a proxy that asks, in bytes.
const BRIEF: usize = 1024;

/// What the operator decides about the pages.
#[derive(Clone, Debug, Default)]
pub struct PagesSettings {
    /// The name above every page; without it, the site a page is about. Default: none.
    pub title: Option<String>,
    /// The only language to answer in. Default: the visitor's.
    pub language: Option<Language>,
    /// Whom to ask for help: plain words, an e-mail address or an https address. Default: none.
    pub support: Option<String>,
    /// The privacy statement, an http(s) address or a path. Default: none.
    pub privacy_url: Option<String>,
    /// Whether this is `wxgate demo`. Default: no.
    pub demo_banner: bool,
    /// Whether WeChat's addresses are not Tencent's. Default: no.
    pub simulated: bool,
}

/// The templates are broken.
#[derive(Debug, thiserror::Error)]
#[error("a page template cannot be read")]
pub struct PagesError(#[from] Error);

/// All pages, ready to be drawn.
#[derive(Debug)]
pub struct Pages {
    environment: Environment<'static>,
    content_security_policy: String,
    language: Option<Language>,
    title: Option<String>,
}

impl Pages {
    /// Reads the templates.
    ///
    /// # Errors
    /// When a template is not one.
    pub fn new(settings: &PagesSettings) -> Result<Self, PagesError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in TEMPLATES {
            environment.add_template(name, source)?;
        }
        environment.add_function("t", translate);
        environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
        environment.add_global("brief_style", Value::from_safe_string(BRIEF_STYLE.trim_end().to_owned()));
        environment.add_global("copy_script", Value::from_safe_string(COPY_SCRIPT.to_owned()));
        environment.add_global("demo", settings.demo_banner);
        environment.add_global("simulated", settings.simulated);
        environment.add_global("support", Value::from(settings.support.as_deref()));
        environment.add_global("support_url", Value::from(settings.support.as_deref().and_then(link)));
        let privacy =
            settings.privacy_url.as_deref().filter(|url| is_web_address(url) || url.starts_with('/'));
        environment.add_global("privacy_url", Value::from(privacy));
        Ok(Self {
            environment,
            content_security_policy: content_security_policy(),
            language: settings.language,
            title: settings.title.clone(),
        })
    }

    /// The page as HTML, complete. `links` switch the language; they are left out where the operator fixed it.
    pub fn render(
        &self,
        page: &Page<'_>,
        language: Language,
        links: Option<&LanguageLinks>,
        request_id: &str,
        now: Timestamp,
    ) -> String {
        let links = links.filter(|_| self.language.is_none());
        self.try_render(page, language, links, request_id, now).unwrap_or_else(|error| {
            tracing::error!(page = page.word(), error = format!("{error:#}"), "a page could not be drawn");
            bare(page, language, request_id)
        })
    }

    /// The page in at most [`BRIEF`] bytes, for a proxy that asks.
    pub fn render_brief(&self, page: &Page<'_>, language: Language, request_id: &str) -> String {
        let face = Face::of(page);
        let values = Value::from_pairs(face.values.iter().cloned());
        let layout = context! {
            lang => language.tag(),
            title => face.title,
            texts => face.texts.into_iter().map(Value::from).collect::<Vec<_>>(),
            actions => face.actions.into_iter().map(|(label, url)| context! { label, url }).collect::<Vec<_>>(),
            status => page.status().as_u16(),
            request_id,
            ..values
        };
        let drawn = self.environment.get_template("brief.html").and_then(|template| template.render(layout));
        match drawn {
            Ok(html) if html.len() <= BRIEF => html,
            _ => bare(page, language, request_id),
        }
    }

    /// The `Content-Security-Policy` to send with every page.
    pub fn content_security_policy(&self) -> &str {
        &self.content_security_policy
    }

    /// The language the operator fixed, for [`Language::choose`].
    pub fn fixed_language(&self) -> Option<Language> {
        self.language
    }

    fn try_render(
        &self,
        page: &Page<'_>,
        language: Language,
        links: Option<&LanguageLinks>,
        request_id: &str,
        now: Timestamp,
    ) -> Result<String, Error> {
        let face = Face::of(page);
        let site = face.values.iter().find_map(|(name, site)| (*name == "site").then(|| site.clone()));
        let heading = self.title.as_deref().map(Value::from).or(site);
        let (moment, time) = written(now);
        let page_values = Value::from_pairs(face.values.iter().cloned());
        let layout = context! {
            lang => language.tag(),
            title => face.title,
            heading,
            sign => face.sign.map(|sign| context! { tone => sign.tone(), path => sign.path() }),
            failure => face.numbered.then(|| page.status().as_u16()),
            texts => face.texts.into_iter().map(Value::from).collect::<Vec<_>>(),
            steps => face.steps.iter().copied().map(Value::from).collect::<Vec<_>>(),
            facts => face.facts.into_iter().map(|(label, value)| context! { label, value }).collect::<Vec<_>>(),
            actions => face.actions.into_iter().map(|(label, url)| context! { label, url }).collect::<Vec<_>>(),
            links => links.map(|links| context! { chinese => links.chinese.as_str(), english => links.english.as_str() }),
            request_id, moment, time,
            ..page_values
        };
        self.environment.get_template(face.template)?.render(layout)
    }
}

/// `t("key")` in a template: the sentence, in the language of the page, with the values of the page.
fn translate(state: &State<'_, '_>, key: &str) -> Result<String, Error> {
    let english = state.lookup("lang").is_some_and(|lang| lang.as_str() == Some(Language::English.tag()));
    let language = if english { Language::English } else { Language::Chinese };
    let missing =
        |what: &str| Error::new(ErrorKind::UndefinedError, format!("no {what} for the words {key}"));
    let sentence = words::find(language, key).ok_or_else(|| missing("sentence"))?;
    let value =
        |name: &str| state.lookup(name).filter(|value| !value.is_undefined()).map(|value| value.to_string());
    words::fill(sentence, value).map_err(missing)
}

/// Nothing but our own inline style and script, nothing from elsewhere but WeChat's portraits.
fn content_security_policy() -> String {
    let hash = |source: &str| STANDARD.encode(digest::digest(&digest::SHA256, source.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}' 'sha256-{}'; script-src 'sha256-{}'; \
         img-src 'self' data: https://thirdwx.qlogo.cn https://wx.qlogo.cn; \
         form-action 'self' https://open.weixin.qq.com; frame-ancestors 'none'; base-uri 'none'",
        hash(STYLE),
        hash(BRIEF_STYLE.trim_end()),
        hash(COPY_SCRIPT),
    )
}

/// The moment for machines and for people.
fn written(now: Timestamp) -> (String, String) {
    /// The last second of the year 9999, the last that RFC 3339 can write.
    const LAST: u64 = 253_402_300_799;
    let seconds = u64::try_from(now.as_unix()).unwrap_or(0).min(LAST);
    let moment = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
    let time = moment.replace('T', " ").replace('Z', " UTC");
    (moment, time)
}

/// Where a support line leads, if it is an address.
fn link(support: &str) -> Option<String> {
    if is_web_address(support) {
        Some(support.to_owned())
    } else if support.contains('@') && !support.contains(char::is_whitespace) {
        Some(format!("mailto:{support}"))
    } else {
        None
    }
}

fn is_web_address(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// What is left to say when a template fails.
fn bare(page: &Page<'_>, language: Language, request_id: &str) -> String {
    let title = words::find(language, Face::of(page).title).filter(|title| !title.contains('{'));
    let title = HtmlEscape(title.unwrap_or("wxgate"));
    let (lang, request_id) = (language.tag(), HtmlEscape(request_id));
    format!(
        "<!doctype html><html lang=\"{lang}\"><meta charset=\"utf-8\"><title>{title}</title>\
         <main><h1>{title}</h1><p>{request_id}</p></main></html>"
    )
}
