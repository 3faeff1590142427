//! A configuration that cannot be used, as every command says it.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use super::BAD_CONFIG;
use crate::live::LoadError;

/// Prints what is wrong, with colours for people.
pub(super) fn refuse(error: &LoadError) -> ExitCode {
    match error {
        LoadError::Problems(problems) => eprint!("{}", problems.render(std::io::stderr().is_terminal())),
        error => eprintln!("wxgate: {error}"),
    }
    ExitCode::from(BAD_CONFIG)
}
