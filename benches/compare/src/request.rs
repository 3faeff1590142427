//! The request of a load, and what has to come back.

use crate::systems::{self, Kind};
use crate::upstream::{LARGE, LARGE_PATH, SMALL};

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Size {
    /// 1 KiB.
    Small,
    /// 1 MiB.
    Large,
}

/// A request and what has to come back.
#[derive(Clone, Debug)]
pub struct Request {
    /// One for each of those who ask in turn.
    pub bytes: Vec<Vec<u8>>,
    /// Length of the answer's body.
    pub body: usize,
    pub kind: Kind,
}

impl Request {
    /// The request for systems of this kind.
    pub fn new(kind: Kind, size: Size) -> anyhow::Result<Self> {
        let text = systems::request(kind, false, &systems::cookie(false)?);
        let (text, body) = match (kind, size) {
            (Kind::Check, _) => (text, 0),
            (_, Size::Small) => (text, SMALL),
            (_, Size::Large) => {
                let (_, rest) = text.split_once(" HTTP/1.1").unwrap_or_default();
                (format!("GET {LARGE_PATH} HTTP/1.1{rest}"), LARGE)
            }
        };
        Ok(Self { bytes: vec![text.into_bytes()], body, kind })
    }

    /// Small ones of so many members in turn.
    pub fn of_members(kind: Kind, members: u64) -> anyhow::Result<Self> {
        let of = |member| Ok(systems::request(kind, false, &systems::cookie_of(member, false)?).into_bytes());
        let bytes = (0..members).map(of).collect::<anyhow::Result<_>>()?;
        Ok(Self { bytes, ..Self::new(kind, Size::Small)? })
    }
}
