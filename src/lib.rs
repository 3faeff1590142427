//! wxgate: a reverse-proxy authentication gateway that lets people in with WeChat.

pub mod gate;
pub mod login;
pub mod config;
pub mod model;
pub mod net;
pub mod proxy;
pub mod seal;
pub mod sessions;
pub mod telemetry;
pub mod wechat;
pub mod pages;
