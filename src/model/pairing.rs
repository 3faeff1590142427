//! A browser that waits for a phone: what of the one the other is shown, and in what order things happen.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::clock::Timestamp;
use super::identity::{Account, Profile};

/// How long a browser waits for a phone.
pub const LIFETIME: Duration = Duration::from_secs(300);

/// SHA-256 of something that one side alone knows.
pub type PairingKey = [u8; 32];

/// A browser that waits for a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pairing {
    /// Hash of what only the waiting browser knows.
    pub browser: PairingKey,
    /// Hash of what the phone brings: the scene of a code, the code in a link, the digits written into the chat.
    pub call: PairingKey,
    /// The host that is asked for.
    pub site: String,
    /// The waiting browser's User-Agent, clipped.
    pub user_agent: String,
    /// The waiting browser's address.
    pub client: IpAddr,
    /// When it began to wait.
    pub begun: Timestamp,
    /// When it is too late.
    pub expires: Timestamp,
    /// How far it has come.
    pub state: PairingState,
}

/// How far it has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PairingState {
    /// Allowed on the phone: whoever waits may take it, once.
    Allowed(Proof),
    /// Refused on the phone.
    Refused,
    /// A phone is there, and its owner has to say yes. Nobody else can from now on.
    Scanned(Account),
    /// The waiting browser is signed in, by whom the phone showed.
    Taken(Option<Account>),
    /// No phone yet.
    Waiting,
}

/// A person, as the phone showed them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    /// How the app knows them.
    pub account: Account,
    /// The id shared by all apps of one Open Platform account, when WeChat gave it.
    pub unionid: Option<String>,
    /// Name and picture, if the person let us know.
    pub profile: Profile,
}

/// What happens next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PairingStep {
    /// The person on the phone says yes.
    Allow(Proof),
    /// The person on the phone says that it was not them.
    Refuse(Account),
    /// A phone has scanned the code, or written the digits.
    Scan(Account),
    /// The waiting browser is signed in.
    Take,
}

impl Pairing {
    /// What it is after `step`; `None` where the step does not follow. Whoever scanned first is the one who decides, and may
    /// scan again.
    pub fn after(&self, step: PairingStep, now: Timestamp) -> Option<Self> {
        if now >= self.expires {
            return None;
        }
        let state = match (&self.state, step) {
            (PairingState::Waiting, PairingStep::Scan(account)) => PairingState::Scanned(account),
            (PairingState::Scanned(by), PairingStep::Scan(account)) if *by == account => {
                PairingState::Scanned(account)
            }
            (PairingState::Waiting, PairingStep::Allow(proof)) => PairingState::Allowed(proof),
            (PairingState::Scanned(by), PairingStep::Allow(proof)) if *by == proof.account => {
                PairingState::Allowed(proof)
            }
            (PairingState::Waiting, PairingStep::Refuse(_)) => PairingState::Refused,
            (PairingState::Scanned(by), PairingStep::Refuse(account)) if *by == account => {
                PairingState::Refused
            }
            (PairingState::Allowed(proof), PairingStep::Take) => {
                PairingState::Taken(Some(proof.account.clone()))
            }
            _ => return None,
        };
        Some(Self { state, ..self.clone() })
    }

    /// Whether this person has said yes, and whoever waits may go on, or has gone on.
    pub fn was_allowed_by(&self, account: &Account) -> bool {
        match &self.state {
            PairingState::Allowed(proof) => proof.account == *account,
            PairingState::Taken(by) => by.as_ref() == Some(account),
            PairingState::Refused | PairingState::Scanned(_) | PairingState::Waiting => false,
        }
    }

    /// Whose browsers count together: an IPv4 address, or the first half of an IPv6 one, which is one customer's.
    pub fn network(&self) -> String {
        match self.client.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let half = address.to_bits() >> 64 << 64;
                Ipv6Addr::from_bits(half).to_string()
            }
        }
    }
}

impl PairingState {
    /// The word in the store and for waiting pages.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allowed(_) => "allowed",
            Self::Refused => "refused",
            Self::Scanned(_) => "scanned",
            Self::Taken(_) => "taken",
            Self::Waiting => "waiting",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(second)
    }

    fn account(openid: &str) -> Account {
        Account { app_id: "wx1".to_owned(), openid: openid.to_owned() }
    }

    fn proof(openid: &str) -> Proof {
        Proof { account: account(openid), unionid: None, profile: Profile::default() }
    }

    fn pairing(state: PairingState) -> Pairing {
        Pairing {
            browser: [1; 32],
            call: [2; 32],
            site: "a.example".to_owned(),
            user_agent: "Firefox".to_owned(),
            client: [192, 0, 2, 1].into(),
            begun: at(0),
            expires: at(300),
            state,
        }
    }

    #[test]
    fn each_step_follows_on_some_states_and_on_no_other() {
        use PairingState::{Allowed, Refused, Scanned, Taken, Waiting};
        let taken = Taken(Some(account("a")));
        let states = [Waiting, Scanned(account("a")), Allowed(proof("a")), Refused, taken.clone()];
        for (step, afterwards) in [
            (
                PairingStep::Scan(account("a")),
                [Some(Scanned(account("a"))), Some(Scanned(account("a"))), None, None, None],
            ),
            (PairingStep::Scan(account("b")), [Some(Scanned(account("b"))), None, None, None, None]),
            (
                PairingStep::Allow(proof("a")),
                [Some(Allowed(proof("a"))), Some(Allowed(proof("a"))), None, None, None],
            ),
            (PairingStep::Allow(proof("b")), [Some(Allowed(proof("b"))), None, None, None, None]),
            (PairingStep::Refuse(account("a")), [Some(Refused), Some(Refused), None, None, None]),
            (PairingStep::Refuse(account("b")), [Some(Refused), None, None, None, None]),
            (PairingStep::Take, [None, None, Some(taken), None, None]),
        ] {
            for (state, after) in states.iter().zip(afterwards) {
                let said = pairing(state.clone()).after(step.clone(), at(299));
                assert_eq!(said, after.map(pairing), "{state:?} {step:?}");
                assert_eq!(pairing(state.clone()).after(step.clone(), at(300)), None, "too late");
            }
        }
    }

    #[test]
    fn an_ipv6_customer_counts_as_one() {
        let of = |address: &str| {
            Pairing { client: address.parse().unwrap(), ..pairing(PairingState::Waiting) }.network()
        };
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
