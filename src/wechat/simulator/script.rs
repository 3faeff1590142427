//! What happens next: consent, faults and oddities that a test, or the demo, asks for.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use super::{Fault, ProfileVariant, held};

/// What the person with the phone does, without being asked. Unscripted, the pages ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Consent {
    /// The person of this name allows it at once.
    Allow(String),
    /// The QR code is already too old (website apps); the consent page has expired (official accounts).
    Expired,
    /// The person of this name allows it in the WeChat on the same computer (快速登录).
    FastLogin(String),
    /// Nobody ever does anything.
    NeverAnswers,
    /// Refused, and the browser is sent nowhere: what the documents say today.
    RefuseSilently,
    /// Refused, and the browser comes back with `state` alone: what the documents said once.
    RefuseWithState,
}

/// How a callback reaches its host.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Delivery {
    /// The simulator fetches the callback from another address, without cookies; then the browser is sent there.
    FetchedBefore,
    /// The same, but the browser is sent there without waiting for the first answer.
    FetchedInParallel,
    /// By the browser, once.
    #[default]
    Once,
}

/// Where a `redirect_uri` that has a fragment gets its `code`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fragment {
    /// After the fragment, as reported of the scanned QR.
    After,
    /// Before the `#`, as reported of fast login.
    #[default]
    Before,
    /// Twice: right after the host and again at the end, as once reported of fast login.
    Doubled,
}

/// What `sns/userinfo` says of a virtual account.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SnapshotProfile {
    /// An invented name.
    #[default]
    FakeData,
    /// 48001.
    Refused,
}

/// The simulator's instructions; every setter holds until it is set again, unless it says `next`.
#[derive(Default)]
pub struct Script(Mutex<Plan>);

#[derive(Default)]
struct Plan {
    consent: Option<Consent>,
    delivery: Delivery,
    callback_address: Option<SocketAddr>,
    calls: HashMap<String, Fault>,
    exchange: Option<Fault>,
    fragment: Fragment,
    holder: Option<String>,
    mark_fail_after: Option<u32>,
    next_calls: Vec<(String, Fault)>,
    next_exchange: VecDeque<Fault>,
    next_profile: VecDeque<Fault>,
    page_error: Option<u32>,
    poll_wait: Option<Duration>,
    profile: Option<Fault>,
    profiles: HashMap<String, ProfileVariant>,
    snapshot: bool,
    snapshot_profiles: SnapshotProfile,
    strict_state: bool,
    wrong_secret: Option<i64>,
}

impl Script {
    /// From now on people act on their own, like this.
    pub fn consent(&self, consent: Consent) -> &Self {
        self.set(|plan| plan.consent = Some(consent))
    }

    /// From now on the pages ask again.
    pub fn ask(&self) -> &Self {
        self.set(|plan| plan.consent = None)
    }

    /// Who holds the phone when nobody asks (`snsapi_base`) and no cookie says; else the first person.
    pub fn holder(&self, person: &str) -> &Self {
        self.set(|plan| plan.holder = Some(person.to_owned()))
    }

    /// The next code exchange goes wrong like this; several queue up.
    pub fn next_exchange(&self, fault: Fault) -> &Self {
        self.set(|plan| plan.next_exchange.push_back(fault))
    }

    /// Every code exchange goes wrong like this, until `well`.
    pub fn exchange(&self, fault: Fault) -> &Self {
        self.set(|plan| plan.exchange = Some(fault))
    }

    /// The next profile call goes wrong like this; several queue up.
    pub fn next_profile(&self, fault: Fault) -> &Self {
        self.set(|plan| plan.next_profile.push_back(fault))
    }

    /// Every profile call goes wrong like this, until `well`.
    pub fn every_profile(&self, fault: Fault) -> &Self {
        self.set(|plan| plan.profile = Some(fault))
    }

    /// The next call of this path (`/cgi-bin/…`) goes wrong like this; several queue up.
    pub fn next_call(&self, path: &str, fault: Fault) -> &Self {
        self.set(|plan| plan.next_calls.push((path.to_owned(), fault)))
    }

    /// Every call of this path (`/cgi-bin/…`) goes wrong like this, until `well`.
    pub fn every_call(&self, path: &str, fault: Fault) -> &Self {
        self.set(|plan| _ = plan.calls.insert(path.to_owned(), fault))
    }

    /// No more faults and page errors.
    pub fn well(&self) -> &Self {
        self.set(|plan| {
            plan.exchange = None;
            plan.profile = None;
            plan.calls.clear();
            plan.next_calls.clear();
            plan.next_exchange.clear();
            plan.next_profile.clear();
            plan.page_error = None;
        })
    }

    /// The person's profile is served in this variant.
    pub fn profile(&self, person: &str, variant: ProfileVariant) -> &Self {
        self.set(|plan| _ = plan.profiles.insert(person.to_owned(), variant))
    }

    /// Pages that ask an official account for `snsapi_userinfo` open as snapshot pages.
    pub fn snapshot(&self, on: bool) -> &Self {
        self.set(|plan| plan.snapshot = on)
    }

    /// What the profile call says of a virtual account.
    pub fn snapshot_profile(&self, profile: SnapshotProfile) -> &Self {
        self.set(|plan| plan.snapshot_profiles = profile)
    }

    /// Refuses a `state` outside the documented `[a-zA-Z0-9]` (official accounts).
    pub fn enforce_state_charset(&self, on: bool) -> &Self {
        self.set(|plan| plan.strict_state = on)
    }

    /// How callbacks are delivered.
    pub fn delivery(&self, delivery: Delivery) -> &Self {
        self.set(|plan| plan.delivery = delivery)
    }

    /// Where the simulator's own requests (callbacks fetched early, messages pushed) connect to, whatever the host's
    /// name is.
    pub fn callback_address(&self, address: SocketAddr) -> &Self {
        self.set(|plan| plan.callback_address = Some(address))
    }

    /// How `code` is put into a `redirect_uri` with a fragment.
    pub fn fragment(&self, fragment: Fragment) -> &Self {
        self.set(|plan| plan.fragment = fragment)
    }

    /// Every `oauth2/authorize` page shows this number (10004 banned, 10006 must follow, 10009 too frequent …).
    pub fn page_error(&self, number: u32) -> &Self {
        self.set(|plan| plan.page_error = Some(number))
    }

    /// How many deliveries in a row must fail before nothing is pushed for a minute (MarkFail): 5 unless set.
    pub fn mark_fail_after(&self, failures: u32) -> &Self {
        self.set(|plan| plan.mark_fail_after = Some(failures))
    }

    /// The errcode of a wrong secret: 40125 unless set (40001 is seen too).
    pub fn wrong_secret_errcode(&self, errcode: i64) -> &Self {
        self.set(|plan| plan.wrong_secret = Some(errcode))
    }

    /// How long the QR page's long poll waits before it says 408: 25 seconds unless set.
    pub fn poll_wait(&self, wait: Duration) -> &Self {
        self.set(|plan| plan.poll_wait = Some(wait))
    }

    fn set(&self, change: impl FnOnce(&mut Plan)) -> &Self {
        change(&mut held(&self.0));
        self
    }
}

/// What the rest of the simulator reads.
impl Script {
    pub(super) fn scripted_consent(&self) -> Option<Consent> {
        held(&self.0).consent.clone()
    }

    pub(super) fn scripted_holder(&self) -> Option<String> {
        held(&self.0).holder.clone()
    }

    pub(super) fn take_exchange_fault(&self) -> Option<Fault> {
        let mut plan = held(&self.0);
        plan.next_exchange.pop_front().or_else(|| plan.exchange.clone())
    }

    pub(super) fn take_profile_fault(&self) -> Option<Fault> {
        let mut plan = held(&self.0);
        plan.next_profile.pop_front().or_else(|| plan.profile.clone())
    }

    pub(super) fn take_call_fault(&self, path: &str) -> Option<Fault> {
        let mut plan = held(&self.0);
        match plan.next_calls.iter().position(|(next, _)| next == path) {
            Some(at) => Some(plan.next_calls.remove(at).1),
            None => plan.calls.get(path).cloned(),
        }
    }

    pub(super) fn failures_before_silence(&self) -> u32 {
        held(&self.0).mark_fail_after.unwrap_or(5)
    }

    pub(super) fn profile_of(&self, person: &str) -> ProfileVariant {
        held(&self.0).profiles.get(person).copied().unwrap_or_default()
    }

    pub(super) fn snapshot_mode(&self) -> bool {
        held(&self.0).snapshot
    }

    pub(super) fn snapshot_profiles(&self) -> SnapshotProfile {
        held(&self.0).snapshot_profiles
    }

    pub(super) fn state_charset_enforced(&self) -> bool {
        held(&self.0).strict_state
    }

    pub(super) fn scripted_delivery(&self) -> (Delivery, Option<SocketAddr>) {
        let plan = held(&self.0);
        (plan.delivery, plan.callback_address)
    }

    pub(super) fn fragment_style(&self) -> Fragment {
        held(&self.0).fragment
    }

    pub(super) fn scripted_page_error(&self) -> Option<u32> {
        held(&self.0).page_error
    }

    pub(super) fn wrong_secret(&self) -> i64 {
        held(&self.0).wrong_secret.unwrap_or(40125)
    }

    pub(super) fn long_poll_wait(&self) -> Duration {
        held(&self.0).poll_wait.unwrap_or(Duration::from_secs(25))
    }
}
