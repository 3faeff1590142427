//! `[headers]`: the names and encodings under which applications are told who somebody is.

use std::collections::{BTreeMap, HashMap};

use http::header::HeaderName;

use crate::config::section::Section;
use crate::gate::identity_headers::{Encoding, Field, Preset, Spoken};
use crate::model::alias;
use crate::model::host::Host;

/// `[headers]`.
#[derive(Clone, Debug)]
pub(super) struct HeaderFields {
    preset: Preset,
    names: HashMap<Field, Option<HeaderName>>,
    encodings: HashMap<Field, Encoding>,
    pub(super) email_domain: Option<String>,
}

impl HeaderFields {
    /// What is spoken with these settings, or with another preset for one route.
    pub(super) fn spoken(&self, preset: Option<Preset>) -> Vec<Spoken> {
        let preset = preset.unwrap_or(self.preset);
        let spoken = |field| {
            let name = match self.names.get(&field) {
                Some(name) => name.clone()?,
                None => HeaderName::from_static(preset.header(field)?),
            };
            let encoding = self.encodings.get(&field).copied().unwrap_or(Encoding::Percent);
            Some(Spoken { field, name, encoding })
        };
        Field::ALL.into_iter().filter_map(spoken).collect()
    }
}

/// Reads `[headers]`.
pub(super) fn read(top: &mut Section<'_>) -> HeaderFields {
    let mut fields = HeaderFields {
        preset: Preset::Authelia,
        names: HashMap::new(),
        encodings: HashMap::new(),
        email_domain: None,
    };
    let Some(mut section) = top.table("headers") else { return fields };
    fields.preset = section.optional("preset", str::parse).unwrap_or(fields.preset);
    fields.email_domain = section.optional("email_domain", |text| {
        Host::parse(text)
            .map(|host| host.to_string())
            .map_err(|_| "write a domain such as \"users.example.com\"".to_owned())
    });
    if let Some(mut names) = section.table("names") {
        for field in Field::ALL {
            if let Some(name) = names.optional(field.as_str(), header_name) {
                fields.names.insert(field, name);
            }
        }
        complain_about_repeated(&names, &fields);
        names.finish();
    }
    if let Some(mut encodings) = section.table("encodings") {
        for field in Field::ALL {
            if let Some(encoding) = encodings.optional(field.as_str(), str::parse) {
                fields.encodings.insert(field, encoding);
            }
        }
        encodings.finish();
    }
    section.finish();
    fields
}

/// Two values under one name: the application would see one of them at random.
fn complain_about_repeated(section: &Section<'_>, fields: &HeaderFields) {
    let mut seen = BTreeMap::new();
    for spoken in fields.spoken(None) {
        if let Some(first) = seen.insert(alias::Alias::of(spoken.name.as_str()), spoken.field) {
            let (first, second) = (first.as_str(), spoken.field.as_str());
            let key = if section.is_given(second) { second } else { first };
            section.complain(
                &section.place(key),
                format!("`{first}` and `{second}` would both be sent as {}", spoken.name),
                "give each its own header, or leave one out with \"\"",
            );
        }
    }
}

/// An empty text leaves the header out.
fn header_name(text: &str) -> Result<Option<HeaderName>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    const RESERVED: [&str; 19] = [
        "host",
        "cookie",
        "setcookie",
        "location",
        "contenttype",
        "cachecontrol",
        "connection",
        "contentlength",
        "transferencoding",
        "upgrade",
        "xforwardedfor",
        "xforwardedproto",
        "xforwardedhost",
        "xforwardedmethod",
        "xforwardeduri",
        "xoriginalurl",
        "xoriginalmethod",
        "xrequestid",
        "xwxgateredirect",
    ];
    let name = HeaderName::from_bytes(text.as_bytes()).ok().filter(|name| alias::is_plain(name.as_str()));
    match name {
        Some(name)
            if RESERVED.iter().any(|word| alias::Alias::of(name.as_str()).as_bytes() == word.as_bytes()) =>
        {
            Err(format!("`{text}` has a meaning of its own; choose another name"))
        }
        Some(name) => Ok(Some(name)),
        None => Err("write a header name of letters, digits and hyphens, such as \"X-User\"".to_owned()),
    }
}
