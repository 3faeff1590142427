//! What is measured: who takes part, and what they are asked.

use crate::request::Size;

/// One comparison.
#[derive(Debug)]
pub struct Mode {
    pub name: &'static str,
    pub title: &'static str,
    /// The first is what the others are held against.
    pub systems: &'static [&'static str],
    pub size: Size,
    pub connections: usize,
    pub workers: usize,
    /// On a core of their own; else on both cores, together with the load generator.
    pub pinned: bool,
    /// Whether each request is a line of a log.
    pub access_log: bool,
    /// How long the rotation usually takes: all modes together have to end within a quarter of an hour.
    pub seconds: u64,
}

pub const MODES: &[Mode] = &[
    Mode {
        name: "small",
        title: "Proxying: 1 worker, 64 connections, 1 KiB",
        systems: &[
            "nginx",
            "nginx-auth",
            "haproxy",
            "caddy",
            "caddy-auth",
            "traefik",
            "traefik-auth",
            "envoy",
            "envoy-auth",
            "wxgate-open",
            "wxgate",
        ],
        size: Size::Small,
        connections: 64,
        workers: 1,
        pinned: true,
        access_log: false,
        seconds: 180,
    },
    Mode {
        name: "check",
        title: "Being asked (forward-auth): 1 worker, 64 connections",
        systems: &["nginx-return-200", "wxgate-check"],
        size: Size::Small,
        connections: 64,
        workers: 1,
        pinned: true,
        access_log: false,
        seconds: 45,
    },
    Mode {
        name: "large",
        title: "Large answers: 1 worker, 8 connections, 1 MiB (requests are MiB)",
        systems: &["nginx-bigbuf", "nginx", "haproxy", "caddy", "traefik", "envoy", "wxgate"],
        size: Size::Large,
        connections: 8,
        workers: 1,
        pinned: true,
        access_log: false,
        seconds: 55,
    },
    Mode {
        name: "single",
        title: "One after another: 1 worker, 1 connection, 1 KiB",
        systems: &["nginx", "nginx-auth", "haproxy", "wxgate"],
        size: Size::Small,
        connections: 1,
        workers: 1,
        pinned: true,
        access_log: false,
        seconds: 20,
    },
    Mode {
        name: "workers",
        title: "2 workers on both cores, together with the load generator: 64 connections, 1 KiB (shape only)",
        systems: &["nginx", "nginx-auth", "haproxy", "wxgate"],
        size: Size::Small,
        connections: 64,
        workers: 2,
        pinned: false,
        access_log: false,
        seconds: 40,
    },
    Mode {
        name: "logged",
        title: "With an access log: 1 worker, 64 connections, 1 KiB",
        systems: &["nginx", "nginx-auth", "haproxy", "wxgate"],
        size: Size::Small,
        connections: 64,
        workers: 1,
        pinned: true,
        access_log: true,
        seconds: 35,
    },
];
