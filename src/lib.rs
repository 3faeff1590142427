//! wxgate: a reverse-proxy authentication gateway that lets people in with WeChat.

pub mod gate;
pub mod model;
pub mod net;
pub mod seal;
