//! WeChat as it really behaves: what to send, what comes back, what it means.

pub mod api;
pub mod authorize;
pub mod errcode;

pub mod user_agent;
mod wire;
