//! What the administrator of an Official Account sets in the WeChat console (mp.weixin.qq.com → 基本配置).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use super::super::answer::Refusal;
use super::super::{Simulator, held};

/// How WeChat refuses a caller's address.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AddressRefusal {
    /// 89503: the administrator has been sent a message and has to confirm the address.
    NeedsConfirmation,
    /// 40164: the address is not on the IP whitelist.
    #[default]
    NotOnTheList,
    /// 61004: the same, in the words of another part of WeChat.
    NotRegistered,
}

/// The console of one Official Account. What is set holds at once, until it is set again.
pub struct Console<'a> {
    simulator: &'a Simulator,
    app_id: String,
}

#[derive(Default)]
pub(super) struct Consoles(Mutex<HashMap<String, Settings>>);

#[derive(Clone, Default)]
pub(super) struct Settings {
    /// Who may ask for tokens; everybody without.
    whitelist: Option<Vec<IpAddr>>,
    address_refusal: AddressRefusal,
    pub(super) is_frozen: bool,
    pub(super) wants_force_refresh: bool,
    pub(super) forgets_expiry: bool,
}

impl Simulator {
    /// The console of the Official Account `app_id`.
    pub fn console(&self, app_id: &str) -> Console<'_> {
        Console { simulator: self, app_id: app_id.to_owned() }
    }

    pub(super) fn console_settings(&self, app_id: &str) -> Settings {
        held(&self.official.consoles.0).get(app_id).cloned().unwrap_or_default()
    }
}

impl Console<'_> {
    /// IP白名单: only these addresses may ask for tokens; nobody may when there are none.
    pub fn whitelist(&self, addresses: &[IpAddr]) -> &Self {
        self.set(|settings| settings.whitelist = Some(addresses.to_vec()))
    }

    /// No IP whitelist: everybody may ask for tokens.
    pub fn no_whitelist(&self) -> &Self {
        self.set(|settings| settings.whitelist = None)
    }

    /// In which words an address that is not on the whitelist is refused.
    pub fn refuse_addresses_by(&self, refusal: AddressRefusal) -> &Self {
        self.set(|settings| settings.address_refusal = refusal)
    }

    /// Freezes the AppSecret, or thaws it: 40243.
    pub fn freeze_secret(&self, is_frozen: bool) -> &Self {
        self.set(|settings| settings.is_frozen = is_frozen)
    }

    /// `stable_token` without `force_refresh` is answered 41002, as was reported.
    pub fn want_force_refresh(&self, is_wanted: bool) -> &Self {
        self.set(|settings| settings.wants_force_refresh = is_wanted)
    }

    /// `qrcode/create` answers `"expire_seconds":0`, as was reported, though the code lives as long as was asked.
    pub fn forget_expiry(&self, is_forgotten: bool) -> &Self {
        self.set(|settings| settings.forgets_expiry = is_forgotten)
    }

    /// Every token dies at once: another program has taken them, or the secret was reset.
    pub fn end_tokens(&self) -> &Self {
        self.simulator.official.tokens.end(&self.app_id, self.simulator.now());
        self
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) -> &Self {
        change(held(&self.simulator.official.consoles.0).entry(self.app_id.clone()).or_default());
        self
    }
}

impl Settings {
    /// Whether somebody at `peer` may ask for tokens. The refusal names the address: there is no other way to learn it.
    pub(super) fn admits(&self, peer: Option<IpAddr>) -> Result<(), Refusal> {
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        if self.whitelist.as_ref().is_none_or(|listed| listed.contains(&peer)) {
            return Ok(());
        }
        Err(match self.address_refusal {
            AddressRefusal::NeedsConfirmation => {
                Refusal::saying(89503, format!("ip {peer} needs the confirmation of the admin"))
            }
            AddressRefusal::NotOnTheList => {
                Refusal::saying(40164, format!("invalid ip {peer} ipv6 ::ffff:{peer}, not in whitelist"))
            }
            AddressRefusal::NotRegistered => {
                Refusal::saying(61004, format!("access clientip is not registered requestIP: {peer}"))
            }
        })
    }
}
