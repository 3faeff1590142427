//! wxgate: a reverse-proxy authentication gateway that lets people in with WeChat.

pub mod config;
pub mod model;
