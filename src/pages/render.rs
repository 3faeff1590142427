//! Draws a page: words and values into the templates.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, HtmlEscape, State, UndefinedBehavior, context};

use super::face::Face;
use super::language::{Language, LanguageLinks};
use super::moment::written;
use super::overrides::Overrides;
use super::page::Page;
use super::policy::{
    BRIEF_STYLE, CALL_SCRIPT, COPY_SCRIPT, SHEET_SCRIPT, SHEET_STYLE, STYLE, TIMES_SCRIPT, WAIT_SCRIPT,
    content_security_policy,
};
use super::templates::ALL;
use super::words;
use crate::model::clock::Timestamp;

/// Longest page for a proxy that asks, in bytes.
const BRIEF: usize = 1024;

/// Steps that drawing one page may take with the operator's templates: a loop in a loop would hold up whoever asks. The largest
/// page of our own, fifty members and fifty that wait, takes some 11,000.
pub(super) const MOST_STEPS: u64 = 500_000;

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
    /// Templates in place of ours. Default: none.
    pub overrides: Overrides,
    /// Whether this is `wxgate demo`. Default: no.
    pub demo_banner: bool,
    /// Whether WeChat's addresses are not Tencent's. Default: no.
    pub simulated: bool,
    /// Whether people can sign in in several ways. Default: no.
    pub other_ways: bool,
}

/// The templates are broken.
#[derive(Debug, thiserror::Error)]
#[error("a page template cannot be read")]
pub struct PagesError(#[from] Error);

/// All pages, ready to be drawn.
#[derive(Debug)]
pub struct Pages {
    environment: Environment<'static>,
    /// With the operator's templates, for the pages that visitors see.
    operators: Option<Environment<'static>>,
    content_security_policy: String,
    language: Option<Language>,
    title: Option<String>,
    other_ways: bool,
}

impl Pages {
    /// Reads the templates.
    ///
    /// # Errors
    /// When a template is not one.
    pub fn new(settings: &PagesSettings) -> Result<Self, PagesError> {
        let overrides = Some(&settings.overrides).filter(|overrides| !overrides.is_empty());
        Ok(Self {
            environment: environment(settings, &Overrides::default())?,
            operators: overrides.map(|overrides| bounded(settings, overrides)).transpose()?,
            content_security_policy: content_security_policy(&settings.overrides.style),
            language: settings.language,
            title: settings.title.clone(),
            other_ways: settings.other_ways,
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
        self.draw(Face::of(page), &self.head(page, language, links, request_id, now))
    }

    /// Draws a page with the operator's templates, if there are any.
    ///
    /// # Errors
    /// When they fail on it.
    pub(super) fn try_operators(
        &self,
        page: &Page<'_>,
        language: Language,
        links: Option<&LanguageLinks>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(operators) = &self.operators else { return Ok(()) };
        let (face, head) = (Face::of(page), self.head(page, language, links, "", now));
        draw_with(operators, face.template, self.values(face, &head)).map(drop)
    }

    /// These pages, each drawn in so many steps or not at all.
    #[cfg(test)]
    pub(super) fn within(mut self, steps: u64) -> Self {
        self.environment.set_fuel(Some(steps));
        self
    }

    fn head<'a>(
        &self,
        page: &Page<'_>,
        language: Language,
        links: Option<&'a LanguageLinks>,
        request_id: &'a str,
        now: Timestamp,
    ) -> Head<'a> {
        let links = links.filter(|_| self.language.is_none());
        let number = page.status().as_u16();
        let referrer = if page.has_form() { "same-origin" } else { "no-referrer" };
        Head { language, links, request_id, now, number, referrer }
    }

    /// The same for a page of administration.
    pub(super) fn render_sheet(
        &self,
        face: Face<'_>,
        language: Language,
        links: Option<&LanguageLinks>,
        request_id: &str,
        now: Timestamp,
    ) -> String {
        let links = links.filter(|_| self.language.is_none());
        self.draw(face, &Head { language, links, request_id, now, number: 200, referrer: "same-origin" })
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
            _ => bare(Face::of(page).title, language, request_id),
        }
    }

    /// The `Content-Security-Policy` to send with every page.
    pub fn content_security_policy(&self) -> &str {
        &self.content_security_policy
    }

    /// Whether there is another way in where one fails.
    pub(super) fn has_other_ways(&self) -> bool {
        self.other_ways
    }

    /// The language the operator fixed, for [`Language::choose`].
    pub fn fixed_language(&self) -> Option<Language> {
        self.language
    }

    /// Draws with the operator's templates, then with ours.
    fn draw(&self, face: Face<'_>, head: &Head<'_>) -> String {
        let (title, template) = (face.title, face.template);
        let is_sheet = template.starts_with("admin");
        let values = self.values(face, head);
        if let Some(operators) = &self.operators
            && !is_sheet
        {
            match draw_with(operators, template, values.clone()) {
                Ok(html) => return html,
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(template, error, "a page could not be drawn with pages.templates_dir");
                }
            }
        }
        draw_with(&self.environment, template, values).unwrap_or_else(|error| {
            tracing::error!(template, error = format!("{error:#}"), "a page could not be drawn");
            bare(title, head.language, head.request_id)
        })
    }

    /// What a template can call by name.
    fn values(&self, face: Face<'_>, head: &Head<'_>) -> Value {
        let site = face.values.iter().find_map(|(name, site)| (*name == "site").then(|| site.clone()));
        let heading = self.title.as_deref().map(Value::from).or(site);
        let (moment, time) = written(head.now);
        let page_values = Value::from_pairs(face.values.iter().cloned());
        context! {
            lang => head.language.tag(),
            title => face.title,
            heading,
            referrer => head.referrer,
            sign => face.sign.map(|sign| context! { tone => sign.tone(), path => sign.path() }),
            failure => face.numbered.then_some(head.number),
            texts => face.texts.into_iter().map(Value::from).collect::<Vec<_>>(),
            steps => face.steps.iter().copied().map(Value::from).collect::<Vec<_>>(),
            facts => face.facts.into_iter().map(|(label, value)| context! { label, value }).collect::<Vec<_>>(),
            actions => face.actions.into_iter().map(|(label, url)| context! { label, url }).collect::<Vec<_>>(),
            links => head.links.map(|links| context! { chinese => links.chinese.as_str(), english => links.english.as_str() }),
            request_id => head.request_id, moment, time,
            ..page_values
        }
    }
}

fn draw_with(environment: &Environment<'_>, template: &str, values: Value) -> Result<String, Error> {
    environment.get_template(template)?.render(values)
}

/// The templates, those of `overrides` in place of ours, and what all of them call by name.
fn environment(settings: &PagesSettings, overrides: &Overrides) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in ALL {
        environment.add_template(name, source)?;
    }
    for (name, source) in &overrides.templates {
        environment.add_template_owned(*name, source.clone())?;
    }
    environment.add_function("t", translate);
    environment.add_global("style", Value::from_safe_string([STYLE, &overrides.style].concat()));
    environment.add_global("brief_style", Value::from_safe_string(BRIEF_STYLE.trim_end().to_owned()));
    for (name, source) in [
        ("sheet_style", SHEET_STYLE),
        ("copy_script", COPY_SCRIPT),
        ("wait_script", WAIT_SCRIPT),
        ("call_script", CALL_SCRIPT),
        ("sheet_script", SHEET_SCRIPT),
        ("times_script", TIMES_SCRIPT),
    ] {
        environment.add_global(name, Value::from_safe_string(source.to_owned()));
    }
    environment.add_global("demo", settings.demo_banner);
    environment.add_global("simulated", settings.simulated);
    environment.add_global("support", Value::from(settings.support.as_deref()));
    environment.add_global("support_url", Value::from(settings.support.as_deref().and_then(link)));
    let privacy = settings.privacy_url.as_deref().filter(|url| is_web_address(url) || url.starts_with('/'));
    environment.add_global("privacy_url", Value::from(privacy));
    Ok(environment)
}

/// The same for templates of the operator's, which may be anything.
fn bounded(settings: &PagesSettings, overrides: &Overrides) -> Result<Environment<'static>, Error> {
    let mut environment = environment(settings, overrides)?;
    environment.set_fuel(Some(MOST_STEPS));
    Ok(environment)
}

/// What stands around a page, whatever it is about.
struct Head<'a> {
    language: Language,
    links: Option<&'a LanguageLinks>,
    request_id: &'a str,
    now: Timestamp,
    /// The status, for pages that show it.
    number: u16,
    /// The policy for `Referer`, as the header of the answer says it.
    referrer: &'static str,
}

/// `t("key")` in a template: the sentence, in the language of the page, with the values of the page.
fn translate(state: &State<'_, '_>, key: &str) -> Result<String, Error> {
    let english = state.lookup("lang").is_some_and(|lang| lang.as_str() == Some(Language::English.tag()));
    let language = if english { Language::English } else { Language::Chinese };
    let missing =
        |what: &str| Error::new(ErrorKind::UndefinedError, format!("no {what} for the words {key}"));
    let sentence = words::find(language, key).ok_or_else(|| missing("sentence"))?;
    let value = |name: &str| {
        state
            .lookup(name)
            .filter(|value| !value.is_undefined())
            .map(|value| words::isolated(value.to_string()))
    };
    words::fill(sentence, value).map_err(missing)
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
fn bare(title: &str, language: Language, request_id: &str) -> String {
    let title = words::find(language, title).filter(|title| !title.contains('{'));
    let title = HtmlEscape(title.unwrap_or("wxgate"));
    let (lang, request_id) = (language.tag(), HtmlEscape(request_id));
    format!(
        "<!doctype html><html lang=\"{lang}\"><meta charset=\"utf-8\"><title>{title}</title>\
         <main><h1>{title}</h1><p>{request_id}</p></main></html>"
    )
}
