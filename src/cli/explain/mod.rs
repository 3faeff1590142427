//! `wxgate explain URL`: what would happen with a request, and why.

mod people;

use std::process::ExitCode;

use clap::Args;
use http::Method;

use super::refusal::refuse;
use super::store::Opened;
use super::written::stands;
use super::{exit, store, who};
use crate::config::fields::Config;
use crate::live::{ConfigSource, Generation, Lasting, LoadError};
use crate::members::Join;
use crate::model::clock;
use crate::model::member::Member;
use crate::model::policy::Policy;
use crate::model::route::{Found, Route};
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
    /// What this member gets: a member id, a user name, or the code of a request.
    #[arg(long, value_name = "WHO")]
    member: Option<String>,
}

/// Prints the route and the verdict.
pub(super) fn run(
    arguments: &ExplainArguments,
    source: &ConfigSource,
    environment: &[(String, String)],
) -> ExitCode {
    let config = match source.read(environment) {
        Ok((config, _)) => config,
        Err(error) => return refuse(&error),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit(Err(error.into())),
    };
    runtime.block_on(async {
        let built = match store::of_nobody().await {
            Ok(directory) => Generation::build(&config, &Lasting::new(1, 1, directory, None), false),
            Err(error) => return store::cannot_open(&error),
        };
        let live = match built.map_err(LoadError::from) {
            Ok(live) => live,
            Err(error) => return refuse(&error),
        };
        let member = match &arguments.member {
            Some(name) => match named(config.clone(), name).await {
                Ok(member) => Some(member),
                Err(code) => return code,
            },
            None => None,
        };
        match visit(arguments) {
            Ok(visit) => {
                println!("{} {}://{}{}", visit.method, visit.scheme.as_str(), visit.authority, visit.path);
                explain(&live, &visit, config.joining.join, member.as_ref());
            }
            Err(why) => println!("400 for everybody: {why}"),
        }
        ExitCode::SUCCESS
    })
}

/// The member of this name; else it is said why there is none.
async fn named(config: Config, name: &str) -> Result<Member, ExitCode> {
    let opened = Opened::by(config).await.map_err(|error| store::cannot_open(&error))?;
    match who::find(&opened, name).await {
        Ok(detail) => Ok(detail.member),
        Err(error) => Err(exit(Err(error))),
    }
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

fn explain(live: &Generation, visit: &Visit, join: Join, member: Option<&Member>) {
    if !live.own.serves(&visit.authority.host) {
        return println!(
            "421 for everybody: {} is neither public_url's host nor that of a route",
            visit.authority.host
        );
    }
    if let Some(endpoint) = Endpoint::parse(&visit.path) {
        return println!("the gateway's own page {}: never forwarded", endpoint.as_str());
    }
    if live.own.ownership.at(visit).is_some() {
        return println!("everybody gets the file that WeChat looks for: never forwarded");
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
            let groups = match route.access.groups.as_str() {
                "" => String::new(),
                groups => format!(", groups = {groups}"),
            };
            println!("route     {} (access = \"{}\"{groups})", route.label, route.access.policy.as_str());
            match member {
                Some(member) => verdict(route, member, &upstream, join),
                None => everybody(route, &upstream, join),
            }
        }
    }
}

/// What one member gets.
fn verdict(route: &Route, member: &Member, upstream: &str, join: Join) {
    println!("member    {}", stands(member));
    match people::member(&route.access, member, join, clock::now()) {
        Ok(how) => println!("verdict   goes to {upstream} {how}"),
        Err(why) => println!("verdict   {why}"),
    }
}

/// What everybody gets, by who they are.
fn everybody(route: &Route, upstream: &str, join: Join) {
    let whom = match route.access.policy {
        Policy::Deny => return println!("everybody 403"),
        Policy::Public => {
            return println!(
                "everybody goes to {upstream}; identity headers only if signed in, and not if blocked"
            );
        }
        Policy::Admins => "administrators",
        Policy::Members => "members",
        Policy::SignedIn => "signed in",
    };
    let login = if route.api { "401 JSON" } else { "302 to the login for navigations, 401 JSON otherwise" };
    println!("anonymous {login}");
    for (word, what) in people::strangers(&route.access, join, clock::now()) {
        println!("{word:<9} {what}");
    }
    let within = match route.access.groups.as_str() {
        "" => String::new(),
        groups => format!(" in one of {groups}"),
    };
    println!("{whom}{within} go to {upstream} with identity headers");
    if !within.is_empty() {
        println!("{whom} in none of them get 403");
    }
}
