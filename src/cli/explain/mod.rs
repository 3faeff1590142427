//! `wxgate explain URL`: what would happen with a request, and why.

use std::process::ExitCode;

use clap::Args;
use http::Method;

use super::{FAILURE, check, store};
use crate::live::{ConfigSource, Generation, Lasting, LoadError};
use crate::model::policy::Policy;
use crate::model::route::Found;
use crate::model::visit::{Scheme, Visit};
use crate::pages::endpoint::Endpoint;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The whole address, as a browser would open it.
    url: String,
    /// The request's method.
    #[arg(long, default_value = "GET")]
    method: Method,
}

/// Prints the route and the verdict.
pub(super) fn run(
    arguments: &ExplainArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    let config = match source.read(environment) {
        Ok((config, _)) => config,
        Err(error) => return check::refuse(&error),
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::from(FAILURE);
    };
    let _entered = runtime.enter();
    let built = runtime
        .block_on(store::of_nobody())
        .map_err(LoadError::from)
        .and_then(|directory| Ok(Generation::build(&config, &Lasting::new(1, 1, directory, None), false)?));
    let live = match built {
        Ok(live) => live,
        Err(error) => return check::refuse(&error),
    };
    match visit(arguments) {
        Ok(visit) => {
            println!("{} {}://{}{}", visit.method, visit.scheme.as_str(), visit.authority, visit.path);
            explain(&live, &visit);
        }
        Err(why) => println!("400 for everybody: {why}"),
    }
    ExitCode::SUCCESS
}

fn visit(arguments: &ExplainArguments) -> Result<Visit, String> {
    let (scheme, rest) = match arguments.url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        _ => return Err("write a whole address, such as https://app.example.com/page".to_owned()),
    };
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = if path.is_empty() { "/" } else { path };
    Visit::parse(arguments.method.clone(), scheme, authority, path, query).map_err(|error| error.to_string())
}

fn explain(live: &Generation, visit: &Visit) {
    if !live.own.serves(&visit.authority.host) {
        return println!(
            "421 for everybody: {} is neither public_url's host nor that of a route",
            visit.authority.host
        );
    }
    if let Some(endpoint) = Endpoint::parse(&visit.path) {
        return println!("the gateway's own page {}: never forwarded", endpoint.as_str());
    }
    match live.routes.find(visit) {
        Found::Ambiguous => {
            println!("400 for everybody: without its ;parameters the path matches another route")
        }
        Found::Nothing => println!("404 for everybody: no route covers this path and method"),
        Found::UnknownHost => println!("421 for everybody: no route has this host"),
        Found::Route(route) => {
            let upstream = match &live.targets[route.id.0] {
                Some(target) => target.upstream.to_string(),
                None => "the application behind the proxy that asks".to_owned(),
            };
            println!("route     {} (access = \"{}\")", route.label, route.access.policy.as_str());
            match route.access.policy {
                Policy::Deny => println!("everybody 403"),
                Policy::Public => {
                    println!("everybody goes to {upstream}; identity headers only if signed in")
                }
                policy => {
                    let login = if route.api {
                        "401 JSON"
                    } else {
                        "302 to the login for navigations, 401 JSON otherwise"
                    };
                    println!("anonymous {login}");
                    let whom = match policy {
                        Policy::Admins => "administrators",
                        Policy::SignedIn => "signed in",
                        _ => "members",
                    };
                    let within = if route.access.groups.is_empty() {
                        String::new()
                    } else {
                        format!(" in one of {}", route.access.groups)
                    };
                    println!("{whom}{within} go to {upstream} with identity headers");
                }
            }
        }
    }
}
