//! wxgate: a reverse-proxy authentication gateway that lets people in with WeChat.

pub mod config;
pub mod gate;
pub mod login;
pub mod model;
pub mod net;
pub mod pages;
pub mod proxy;
pub mod seal;
pub mod sessions;
pub mod telemetry;
pub mod wechat;
