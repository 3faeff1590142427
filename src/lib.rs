//! wxgate: a reverse-proxy authentication gateway that lets people in with WeChat.

pub mod demo;
pub mod model;
pub mod wechat;
