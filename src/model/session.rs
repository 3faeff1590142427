//! One sign-in in one browser: who it is, in one buffer that clones and header values share.

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::clock::Timestamp;
use super::identity::Identity;

/// A text that a session holds about its person. Any may be empty but the first three.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Said {
    /// The stable, ASCII name applications know the person by.
    MemberId,
    /// The AppID the openid belongs to.
    AppId,
    /// The person's id under that app.
    Openid,
    /// The id shared by all apps of one Open Platform account.
    Unionid,
    /// Display name as chosen by the person.
    Name,
    /// https address of the picture.
    Avatar,
    /// `1` male, `2` female.
    Sex,
    /// City.
    City,
    /// Province.
    Province,
    /// Country.
    Country,
}

/// How many texts there are.
const TEXTS: usize = 10;

/// A session as the sealed cookie carries it. Rights are never in it: they are asked anew for each request.
#[derive(Clone, Debug)]
pub struct Session {
    /// Random, names this sign-in in logs and revocations.
    pub id: [u8; 16],
    /// When they signed in; the absolute lifetime counts from here.
    pub started: Timestamp,
    /// When the cookie was last renewed; the idle timeout counts from here.
    pub renewed: Timestamp,
    /// Everything that is said, and where in it each text stands.
    buffer: Bytes,
    places: [(u32, u32); TEXTS],
}

/// What is sealed. The order of the fields is the format.
#[derive(Deserialize, Serialize)]
struct Claims<'a> {
    id: [u8; 16],
    member_id: &'a str,
    app_id: &'a str,
    openid: &'a str,
    unionid: Option<&'a str>,
    name: &'a str,
    avatar: &'a str,
    sex: &'a str,
    city: &'a str,
    province: &'a str,
    country: &'a str,
    started: Timestamp,
    renewed: Timestamp,
}

impl Session {
    /// A sign-in of `identity`.
    pub fn new(id: [u8; 16], identity: &Identity, started: Timestamp, renewed: Timestamp) -> Self {
        let Identity { member_id, account, unionid, profile } = identity;
        let claims = Claims {
            id,
            member_id,
            app_id: &account.app_id,
            openid: &account.openid,
            unionid: unionid.as_deref(),
            name: &profile.name,
            avatar: &profile.avatar,
            sex: &profile.sex,
            city: &profile.city,
            province: &profile.province,
            country: &profile.country,
            started,
            renewed,
        };
        Self::copied(&claims)
    }

    /// The session that `opened` holds, which is kept and not copied. `None` for anything else.
    pub fn opened(opened: Bytes) -> Option<Self> {
        let id = *opened.first_chunk()?;
        let mut reader = Reader { bytes: &opened, at: 16 };
        let mut places = [(0, 0); TEXTS];
        for (number, place) in places.iter_mut().enumerate() {
            if number != Said::Unionid as usize || reader.is_there()? {
                *place = reader.text()?;
            }
        }
        let (started, renewed) = (reader.moment()?, reader.moment()?);
        let is_all = reader.at == opened.len();
        is_all.then_some(Self { id, started, renewed, buffer: opened, places })
    }

    /// One of the texts; empty where nothing is known.
    pub fn text(&self, said: Said) -> &str {
        std::str::from_utf8(self.bytes(said)).unwrap_or_default()
    }

    /// The same, as bytes.
    pub fn bytes(&self, said: Said) -> &[u8] {
        &self.buffer[self.range(said)]
    }

    /// The same, to be kept without a copy.
    pub fn shared(&self, said: Said) -> Bytes {
        self.buffer.slice(self.range(said))
    }

    /// The stable, ASCII name applications know the person by.
    pub fn member_id(&self) -> &str {
        self.text(Said::MemberId)
    }

    /// The same session, saying nothing of `these`.
    #[must_use]
    pub fn without(mut self, these: &[Said]) -> Self {
        for said in these {
            self.places[*said as usize] = (0, 0);
        }
        self
    }

    fn range(&self, said: Said) -> Range<usize> {
        let (start, end) = self.places[said as usize];
        start as usize..end as usize
    }

    fn copied(claims: &Claims<'_>) -> Self {
        let texts = claims.texts();
        let mut buffer = String::with_capacity(texts.iter().map(|text| text.len()).sum());
        let places = texts.map(|text| {
            buffer.push_str(text);
            place(buffer.len() - text.len(), text.len())
        });
        let Claims { id, started, renewed, .. } = *claims;
        Self { id, started, renewed, buffer: Bytes::from(buffer), places }
    }

    fn claims(&self) -> Claims<'_> {
        Claims {
            id: self.id,
            member_id: self.text(Said::MemberId),
            app_id: self.text(Said::AppId),
            openid: self.text(Said::Openid),
            unionid: Some(self.text(Said::Unionid)).filter(|unionid| !unionid.is_empty()),
            name: self.text(Said::Name),
            avatar: self.text(Said::Avatar),
            sex: self.text(Said::Sex),
            city: self.text(Said::City),
            province: self.text(Said::Province),
            country: self.text(Said::Country),
            started: self.started,
            renewed: self.renewed,
        }
    }
}

impl<'a> Claims<'a> {
    /// In the order of [`Said`].
    fn texts(&self) -> [&'a str; TEXTS] {
        [
            self.member_id,
            self.app_id,
            self.openid,
            self.unionid.unwrap_or_default(),
            self.name,
            self.avatar,
            self.sex,
            self.city,
            self.province,
            self.country,
        ]
    }
}

/// Reads what postcard wrote, without the general way through serde: that costs as much as unsealing does.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        let mut number = u64::from(first & 0x7f);
        for place in 1..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                // The tenth byte has room for one bit.
                return (place < 9 || byte <= 1).then_some(number);
            }
        }
        None
    }

    fn is_there(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<(u32, u32)> {
        let length = usize::try_from(self.number()?).ok()?;
        if length == 0 {
            return Some((0, 0));
        }
        let text = self.bytes.get(self.at..)?.get(..length)?;
        if !text.is_ascii() && std::str::from_utf8(text).is_err() {
            return None;
        }
        self.at += length;
        Some(place(self.at - length, length))
    }

    fn moment(&mut self) -> Option<Timestamp> {
        let zigzag = self.number()?;
        let magnitude = (zigzag >> 1).cast_signed();
        Some(Timestamp::from_unix(if zigzag & 1 == 0 { magnitude } else { !magnitude }))
    }
}

/// Where a text stands. An empty one stands nowhere, so that it may come from anywhere.
fn place(start: usize, length: usize) -> (u32, u32) {
    match (u32::try_from(start), u32::try_from(start + length)) {
        (Ok(start), Ok(end)) if length > 0 => (start, end),
        _ => (0, 0),
    }
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        let key = |session: &Self| (session.id, session.started, session.renewed);
        key(self) == key(other) && self.claims().texts() == other.claims().texts()
    }
}

impl Eq for Session {}

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.claims().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Session {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Claims::deserialize(deserializer).map(|claims| Self::copied(&claims))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::identity::{Account, Profile};
    use super::*;

    proptest! {
        #[test]
        fn it_is_read_as_postcard_reads_it(
            id in any::<[u8; 16]>(),
            texts in prop::array::uniform10("[a-z]{0,9}|\\PC{0,3}|[a-z]{130}"),
            times in any::<[i64; 2]>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let text = |said: Said| texts[said as usize].as_str();
            let claims = Claims {
                id,
                member_id: text(Said::MemberId),
                app_id: text(Said::AppId),
                openid: text(Said::Openid),
                unionid: Some(text(Said::Unionid)).filter(|text| text.len() != 1),
                name: text(Said::Name),
                avatar: text(Said::Avatar),
                sex: text(Said::Sex),
                city: text(Said::City),
                province: text(Said::Province),
                country: text(Said::Country),
                started: Timestamp::from_unix(times[0]),
                renewed: Timestamp::from_unix(times[1]),
            };
            let mut bytes = postcard::to_allocvec(&claims).unwrap();
            for (place, byte) in changes {
                let at = place.index(bytes.len());
                bytes[at] = byte;
            }
            let generally = postcard::take_from_bytes::<Session>(&bytes).ok();
            let generally = generally.filter(|(_, rest)| rest.is_empty()).map(|(session, _)| session);
            prop_assert_eq!(Session::opened(Bytes::from(bytes)), generally);
        }
    }

    #[test]
    fn a_session_is_what_its_bytes_say_and_nothing_more() {
        let account = Account { app_id: "wx1".to_owned(), openid: "oABC".to_owned() };
        let profile =
            Profile { name: "王芳".to_owned(), country: "中国".to_owned(), ..Profile::default() };
        let identity = Identity { member_id: "m-1".to_owned(), account, unionid: None, profile };
        let session = Session::new([7; 16], &identity, Timestamp::from_unix(5), Timestamp::from_unix(9));
        let bytes = postcard::to_allocvec(&session).unwrap();
        let opened = Session::opened(Bytes::from(bytes.clone())).unwrap();
        assert_eq!(opened, session);
        assert_eq!(postcard::from_bytes::<Session>(&bytes).as_ref(), Ok(&session));
        assert_eq!((opened.text(Said::Name), opened.text(Said::Unionid)), ("王芳", ""));
        assert_eq!(opened.shared(Said::Country), "中国".as_bytes());
        let bare = opened.without(&[Said::Country, Said::Name]);
        assert_eq!((bare.member_id(), bare.text(Said::Name), bare.text(Said::Country)), ("m-1", "", ""));
        assert!(Session::opened(Bytes::from([&bytes[..], &[0]].concat())).is_none());
        assert!((0..bytes.len()).all(|end| Session::opened(Bytes::copy_from_slice(&bytes[..end])).is_none()));
    }
}
