//! Every page drawn with the operator's templates before anybody asks for one: no visitor is the first to see one fail.

use std::collections::BTreeSet;
use std::error::Error as _;

use minijinja::{Error, ErrorKind};

use super::gallery::{NOW, Said, for_people, gallery};
use super::language::{Language, LanguageLinks};
use super::overrides::{OverrideError, Overrides};
use super::page::{Hindrance, Page};
use super::render::{MOST_STEPS, Pages, PagesSettings};

/// A portrait as WeChat names one; who has none is in the gallery.
const PORTRAIT: &str = "https://thirdwx.qlogo.cn/mmopen/vi_32/sample/132";

/// How much of a line is repeated, in characters.
const LONGEST: usize = 80;

/// Draws every page in every state in which visitors can see it, in each language they can have it in. What fails in the
/// operator's templates, each place once.
pub fn rehearse(settings: &PagesSettings) -> Vec<OverrideError> {
    let overrides = &settings.overrides;
    let pages = match Pages::new(settings) {
        Ok(pages) if !overrides.templates.is_empty() => pages,
        // Templates that do not go together at all are told of when what runs is built.
        _ => return Vec::new(),
    };
    let languages = match settings.language {
        Some(language) => vec![language],
        None => vec![Language::Chinese, Language::English],
    };
    let links = LanguageLinks::from_query(Some("to=/"));
    let portrayed = for_people(Said { avatar: PORTRAIT, ..Said::usual() });
    let fields = [("message".to_owned(), "王芳".to_owned())];
    let filled_in = Page::OnceMore {
        cause: Hindrance::Stale,
        name: "王芳",
        target: "/_wxgate/request",
        fields: &fields,
        token: "token",
    };
    let more = portrayed.into_iter().chain([("once-more-stale", filled_in)]);
    let (mut known, mut errors) = (BTreeSet::new(), Vec::new());
    for (state, page) in gallery(Said::usual()).into_iter().chain(more) {
        for language in &languages {
            // A page that answers a form has no links.
            for links in [Some(&links), None] {
                let Err(error) = pages.try_operators(&page, *language, links, NOW) else { continue };
                let (place, what) = blame(&error, overrides);
                // On every other page it would take as long.
                let is_endless = innermost(&error).kind() == ErrorKind::OutOfFuel;
                if known.insert((place, what.clone())) {
                    let what = format!("{what} (page {state}, {})", language.name());
                    let folder = overrides.folder.clone();
                    errors.push(match place {
                        Some((name, line)) => OverrideError::Broken { path: folder.join(name), line, what },
                        None => OverrideError::Unfit { folder, what },
                    });
                }
                if is_endless {
                    return errors;
                }
            }
        }
    }
    errors
}

/// Where it fails: in the innermost template that is the operator's; and why. In none, what they changed around one of ours
/// makes that one fail.
fn blame(error: &Error, overrides: &Overrides) -> (Option<(&'static str, usize)>, String) {
    let mut place = None;
    for error in causes(error) {
        let is_theirs = |(name, _): &&(&str, String)| error.name() == Some(*name);
        if let Some((name, source)) = overrides.templates.iter().find(is_theirs) {
            let line = error.line().unwrap_or(1);
            place = Some((*name, line, source.lines().nth(line - 1).unwrap_or_default()));
        }
    }
    let innermost = innermost(error);
    let why = match (innermost.kind(), innermost.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("it takes more than {MOST_STEPS} steps: does a loop end?"),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    match place {
        Some((name, line, text)) => {
            let text: String = text.trim().chars().take(LONGEST).collect();
            (Some((name, line)), format!("{why}, in {text}"))
        }
        None => {
            let (name, line) = (innermost.name().unwrap_or_default(), innermost.line().unwrap_or(1));
            (None, format!("with these templates, wxgate's own {name} fails in line {line}: {why}"))
        }
    }
}

/// What went wrong, from the page to the template included last.
fn causes(error: &Error) -> impl Iterator<Item = &Error> {
    std::iter::successors(Some(error), |error: &&Error| {
        let error: &Error = error;
        error.source().and_then(|cause| cause.downcast_ref::<Error>())
    })
}

fn innermost(error: &Error) -> &Error {
    causes(error).last().unwrap_or(error)
}
