//! Which files there are for which proxy.

use std::fmt;

use clap::ValueEnum;

/// A reverse proxy that can ask.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Proxy {
    /// wxgate.conf.
    Nginx,
    /// wxgate.yml (routers and middleware), traefik.yml, docker-compose.yml, kubernetes.yaml.
    Traefik,
    /// Caddyfile.
    Caddy,
    /// envoy.yaml.
    Envoy,
    /// haproxy.cfg, wxgate.lua.
    Haproxy,
}

/// A file for a proxy.
pub(super) struct File {
    /// How it is called.
    pub(super) name: &'static str,
    /// Its text, with this configuration's values left out.
    pub(super) template: &'static str,
}

/// The template of that name; `deploy/` has what it says for the smallest configuration.
macro_rules! file {
    ($folder:literal, $name:literal) => {
        File { name: $name, template: include_str!(concat!("templates/", $folder, "/", $name)) }
    };
}

impl Proxy {
    /// The file of this name; without a name, the first.
    pub(super) fn file(self, name: Option<&str>) -> Option<&'static File> {
        self.files().iter().find(|file| name.is_none_or(|name| file.name == name))
    }

    /// How the files are called, the main one first.
    pub(super) fn names(self) -> Vec<&'static str> {
        self.files().iter().map(|file| file.name).collect()
    }

    fn files(self) -> &'static [File] {
        match self {
            Self::Nginx => &[file!("nginx", "wxgate.conf")],
            Self::Traefik => &[
                file!("traefik", "wxgate.yml"),
                file!("traefik", "traefik.yml"),
                file!("traefik", "docker-compose.yml"),
                file!("traefik", "kubernetes.yaml"),
            ],
            Self::Caddy => &[file!("caddy", "Caddyfile")],
            Self::Envoy => &[file!("envoy", "envoy.yaml")],
            Self::Haproxy => &[file!("haproxy", "haproxy.cfg"), file!("haproxy", "wxgate.lua")],
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| formatter.write_str(value.get_name()))
    }
}
