//! The configuration file, from text to typed values, with every mistake reported at once.
//!
//! [`source`] finds the file, [`document`] turns it into located values, [`environment`] lays the
//! `WXGATE_…` variables over them, [`section`] reads them table by table, and [`problem`] gathers what
//! is wrong until [`report`] shows it.

pub mod document;
pub mod environment;
pub mod fields;
mod interpolation;
mod mask;
mod measures;
pub mod problem;
mod report;
mod secrets;
pub mod section;
pub mod source;
mod suggestion;
mod told;
mod values;

use std::path::Path;

use problem::{Place, Problem, Problems};
use section::{Reading, Section};
use source::ConfigFile;

/// Reads a whole configuration: `fields` takes the values out of the top-level table and returns `None`
/// when something it cannot do without is missing or wrong, having complained about it.
///
/// Keys that `fields` did not ask for are complained about. On success the problems are only warnings.
pub fn read<T>(
    file: &ConfigFile,
    environment: &[(String, String)],
    fields: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<(T, Problems), Box<Problems>> {
    let problems = Problems::new(file.path.display().to_string(), file.text.clone());
    let Some(mut root) = document::parse(&problems) else {
        return Err(Box::new(problems));
    };
    environment::overlay(&mut root, environment, &problems);
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let reading = Reading::new(&problems, environment, folder);
    let mut top = Section::top(&root, &reading);
    let value = fields(&mut top);
    top.finish();
    if value.is_none() && !problems.has_errors() {
        problems.add(Problem::error(&Place::Top, "the configuration is incomplete"));
    }
    match value {
        Some(value) if !problems.has_errors() => Ok((value, problems)),
        _ => Err(Box::new(problems)),
    }
}

#[cfg(test)]
mod tests;
