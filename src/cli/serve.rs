//! `wxgate run`: puts the parts together, and takes them apart again when told to stop.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::refusal::refuse;
use super::{BAD_CONFIG, exit, first_start};
use crate::config::fields::Config;
use crate::gateway::Gateway;
use crate::live::health::Health;
use crate::live::{BuildError, ConfigSource, Generation, Lasting, Live};
use crate::members::Directory;
use crate::net::limits::Limits;
use crate::net::listen::{Bound, ListenAddress};
use crate::net::serve::serve;
use crate::net::workers::Workers;
use crate::store::{self, OpenError, Opening, StoreUrl};
use crate::telemetry::logs;

/// How long tunnels may take to say goodbye once they are told.
const GOODBYE: Duration = Duration::from_secs(2);

/// Threads for what no visitor's request runs on: calls to WeChat, the admin listener, reloads.
const BACKGROUND_THREADS: usize = 2;

/// Runs the gateway until SIGTERM or SIGINT.
pub(super) fn run(source: &ConfigSource, environment: &[(String, String)]) -> ExitCode {
    let (config, warnings) = match source.read_and_draw(environment) {
        Ok(read) => read,
        Err(error) => return refuse(&error),
    };
    let logging = logs::start(&config.log);
    if !warnings.is_empty() {
        tracing::warn!("{}", warnings.render(false));
    }
    // Requests run on the workers' runtimes; everything else has this one.
    let result = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(BACKGROUND_THREADS)
        .thread_name("background")
        .enable_all()
        .build()
        .context("the runtime cannot start")
        .and_then(|runtime| runtime.block_on(run_until_told(&config, source.clone(), environment.to_vec())));
    if let Err(error) = &result {
        tracing::error!("{error:#}");
    }
    drop(logging);
    let is_unusable = result.as_ref().is_err_and(|error| is_unusable(error, &config.store.url));
    let code = exit(result);
    if is_unusable { ExitCode::from(BAD_CONFIG) } else { code }
}

/// What cannot be built is not mended by starting again. A server of databases may be back by then.
fn is_unusable(error: &anyhow::Error, store: &StoreUrl) -> bool {
    let passes = |error: &OpenError| {
        matches!(error, OpenError::Broken { .. }) && matches!(store, StoreUrl::Postgres(_))
    };
    error.is::<BuildError>() || error.downcast_ref().is_some_and(|error| !passes(error))
}

async fn run_until_told(
    config: &Config,
    source: ConfigSource,
    environment: Vec<(String, String)>,
) -> anyhow::Result<()> {
    // Before anybody can know that this process is there: an unhandled signal would end it without a word.
    let (mut hang_up, mut stops) = (signal(SignalKind::hangup())?, Stops::new()?);
    let server = &config.server;
    // Before the store is opened: a start that fails must not have brought the database to a schema that others do not know.
    let (public, admin) = (bind(&server.listen, server.workers)?, bind(&config.admin_listen, 1)?);
    let store = store::open(&config.store, Opening::Create, Handle::current()).await?;
    let place = store.place();
    let directory = Directory::new(store, Handle::current());
    let lasting = Lasting::new(
        server.workers,
        server.limits.connections,
        Arc::clone(&directory),
        Some(Handle::current()),
    );
    let house = Arc::clone(&directory).keep_house(Arc::clone(&lasting.metrics), config.keep_audit);
    let house = tokio::spawn(house);
    let generation = Generation::build(config, &lasting, true)?;
    let live = Live::new(generation, server.workers, source, environment, Arc::clone(&lasting));
    let address = |bound: &[Bound]| bound.first().map(Bound::address).unwrap_or_default();
    announce(config, &address(&public), &address(&admin), &place);

    let reloaded = Arc::clone(&live);
    let reloads = tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Reloading]);
            reloaded.reload();
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        }
    });
    let health = Health::new(Arc::clone(&lasting));
    let health = admin.into_iter().map(|admin| {
        let serving =
            serve(admin.listen()?, health.clone(), Limits::default(), std::future::pending(), GOODBYE);
        Ok(tokio::spawn(serving))
    });
    let health = health.collect::<std::io::Result<Vec<_>>>()?;
    let gateway = |worker| Gateway::new(Arc::clone(&live), worker);
    let mut workers = Workers::start(server.workers, public, server.limits.clone(), gateway)
        .context("the workers cannot start")?;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    first_start::offer_setup(config, &directory).await;
    let fallen = tokio::select! {
        fallen = workers.fallen() => fallen,
        () = stops.next() => None,
    };
    lasting.ready.store(false, Ordering::Release);
    lasting.waiting.close();
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!(patience = ?server.shutdown_timeout, "stopping: finishing what is under way; a second signal ends at once");
    let cut = tokio::select! {
        cut = workers.drain(server.shutdown_timeout) => cut + lasting.tunnels.close(GOODBYE).await,
        () = stops.next() => anyhow::bail!("ended at once, as told; requests under way were cut"),
    };
    reloads.abort();
    house.abort();
    health.iter().for_each(tokio::task::JoinHandle::abort);
    workers.end().context("a worker could not run")?;
    if let Some(worker) = fallen {
        anyhow::bail!("worker {worker} stopped by itself");
    }
    if cut > 0 {
        anyhow::bail!("stopped, but {cut} connections did not finish within shutdown_timeout and were cut");
    }
    tracing::info!("stopped");
    Ok(())
}

fn bind(address: &ListenAddress, wanted: usize) -> anyhow::Result<Vec<Bound>> {
    address.bind(wanted).map_err(|error| {
        let hint = match (address, error.kind()) {
            (ListenAddress::Systemd, _) => "; start the socket unit, not the program",
            (_, io::ErrorKind::AddrInUse) => "; is another program using it?",
            (_, io::ErrorKind::AddrNotAvailable) => "; this computer has no such address",
            (_, io::ErrorKind::PermissionDenied) => "; this user may not",
            _ => "",
        };
        anyhow::Error::new(error).context(format!("cannot listen on {address}{hint}"))
    })
}

/// SIGTERM and SIGINT.
struct Stops {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stops {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Says at start what is protected, how people sign in, and who is believed.
fn announce(config: &Config, listen: &str, admin: &str, store: &str) {
    let site = &config.site;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen,
        admin,
        public_url = site.login_origin(),
        workers = config.server.workers,
        "listening"
    );
    tracing::info!(store, "keeps members, sessions and the audit trail");
    for route in &config.routes {
        let upstream = match &route.upstream {
            Some(upstream) => upstream.to_string(),
            None => "none: another proxy asks, and passes requests on".to_owned(),
        };
        let methods: Vec<&str> = route.methods.iter().map(http::Method::as_str).collect();
        tracing::info!(
            host = route.host.as_str(),
            path = format!("{}/", route.path),
            methods = if methods.is_empty() { "all".to_owned() } else { methods.join(",") },
            access = route.access.policy.as_str(),
            groups = (!route.access.groups.is_empty()).then(|| route.access.groups.as_str()),
            upstream,
            "protects"
        );
    }
    for (app, how) in [
        (&config.wechat.apps.website, "QR code on a computer (website app)"),
        (&config.wechat.apps.official_account, "inside WeChat (Official Account)"),
    ] {
        if let Some(app) = app {
            tracing::info!(
                app_id = app.id,
                how,
                callback_domain = site.login_host.as_str(),
                "people sign in; the callback domain must be registered for this app in the WeChat console"
            );
        }
    }
    if let Some(account) = &config.wechat.official_account {
        let (url, ways) = (format!("{}/_wxgate/wechat/message", site.login_origin()), account.ways);
        if account.inbox.is_some() {
            tracing::info!(
                url,
                by_code = ways.qr,
                by_chat = ways.chat,
                "takes the Official Account's messages"
            );
        }
    }
    let networks: Vec<String> =
        config.server.trusted_proxies.networks().iter().map(ToString::to_string).collect();
    if networks.is_empty() {
        tracing::info!(
            "trusts nobody's forwarded headers; a reverse proxy in front belongs in server.trusted_proxies"
        );
    } else {
        tracing::info!(networks = networks.join(", "), "trusts forwarded headers of these networks");
    }
    if site.scheme.is_https() && config.server.tls.is_none() {
        tracing::info!(
            "public_url is https and [server.tls] is not set: TLS has to end in front of this gateway"
        );
    }
    if config.wechat.simulated {
        tracing::warn!("WeChat's addresses are not Tencent's: whoever runs them decides who signs in");
    }
    if std::env::var_os("HTTPS_PROXY").or_else(|| std::env::var_os("https_proxy")).is_some() {
        tracing::info!("calls to WeChat go through HTTPS_PROXY");
    }
}
