//! Everything that speaks with WeChat.

pub mod simulator;
