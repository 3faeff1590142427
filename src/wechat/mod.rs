//! WeChat as it really behaves: what to send, what comes back, what it means, and a simulation of all that.

pub mod account;
mod account_token;
pub mod api;
pub mod authorize;
pub mod errcode;
pub mod inquiry;
pub mod message;
pub mod simulator;
pub mod user_agent;
mod wire;
