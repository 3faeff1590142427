//! wxgate: a reverse-proxy authentication gateway that lets people in with WeChat.
//!
//! The house has floors; a file imports only from lower ones (`tests/architecture.rs` holds every import against that).
//!
//! - [`cli`]: one file per subcommand; [`cli::serve`] puts the parts together.
//! - [`demo`]: an example application, a simulated WeChat and a pretend phone around a real gateway.
//! - [`gateway`]: one request, top to bottom. Begin reading here.
//! - [`live`]: the running generation of the configuration, and how a new one takes its place.
//! - [`config`]: a file and an environment in, checked values or located complaints out.
//! - [`pages`]: the gateway's own pages, and every error as visitors meet it.
//! - [`login`]: signing in, from the first redirect to the session.
//! - [`members`]: the directory of people: how they stand, how they join, what administrators do.
//! - [`sessions`], [`wechat`], [`proxy`], [`forward_auth`]: signed-in browsers; WeChat's protocol; the way to the
//!   application; other proxies that ask.
//! - [`store`], [`gate`], [`net`]: what outlives the process; the decision; sockets, deadlines and bounds.
//! - [`seal`], [`telemetry`]: sealed values; logs and figures.
//! - [`model`]: the words everything else is made of.

pub mod cli;
pub mod config;
pub mod demo;
pub mod forward_auth;
pub mod gate;
pub mod gateway;
pub mod live;
pub mod login;
pub mod members;
pub mod model;
pub mod net;
pub mod pages;
pub mod proxy;
pub mod seal;
pub mod sessions;
pub mod store;
pub mod telemetry;
pub mod wechat;
