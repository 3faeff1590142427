//! What each errcode means and what to do about it (全局返回码, and the pages of the calls themselves).

use std::fmt;

/// A number by which WeChat says no.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Errcode(pub i64);

/// What a gateway does about an errcode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reaction {
    /// The configuration at WeChat or here is wrong: tell the administrator.
    Administrator,
    /// WeChat is busy: the person may try again in a moment.
    Busy,
    /// The callback brought no code: the person refused.
    Refused,
    /// Send the person through the authorization again, once.
    Restart,
    /// WeChat has restricted this person.
    Restricted,
}

impl Errcode {
    /// How to react.
    pub fn reaction(self) -> Reaction {
        match self.0 {
            -1 | 45009 | 45011 => Reaction::Busy,
            40003 | 40014 | 40029 | 40030 | 40163 | 42001 | 42002 | 42003 | 42007 | 50001 => {
                Reaction::Restart
            }
            40226 | 50002 => Reaction::Restricted,
            41008 => Reaction::Refused,
            _ => Reaction::Administrator,
        }
    }

    /// How to react when it is the answer to a profile request: there 40001 is about the person's own token.
    pub fn reaction_to_profile(self) -> Reaction {
        match self.0 {
            40001 => Reaction::Restart,
            _ => self.reaction(),
        }
    }

    /// How to react when it is the answer to a request of the account's own: no person can do anything about it.
    pub fn reaction_to_account(self) -> Reaction {
        match self.reaction() {
            Reaction::Busy => Reaction::Busy,
            _ => Reaction::Administrator,
        }
    }

    /// Whether the account's token was not, or no longer, good: a new one helps.
    pub fn is_about_token(self) -> bool {
        matches!(self.0, 40001 | 40014 | 42001)
    }

    /// What the administrator should look at; for the log.
    pub fn advice(self) -> &'static str {
        match self.0 {
            -1 => "WeChat is busy; nothing to do unless it lasts",
            40001 => {
                "the AppSecret is wrong: compare app_secret with the WeChat console (or it was reset there); or, where a call brings the account's token, another program ends that by asking cgi-bin/token: let it ask stable_token"
            }
            40002 | 41001 | 41003 | 41009 | 43001 | 43002 | 43003 => {
                "a request that WeChat did not understand: please report this as a defect of wxgate"
            }
            40003 => "the openid belongs to another account: if it stays, app_id and account are mixed up",
            40013 => "the AppID is wrong: compare app_id with the WeChat console, letter by letter",
            40014 | 42001 => "the person's token was no longer valid",
            40029 => {
                "the code was wrong, expired, or issued for another app: if it stays, app_id is mixed up"
            }
            40030 | 42002 => "a refresh token was no longer valid",
            40125 => "the AppSecret is invalid: compare app_secret with the WeChat console",
            40163 => "the code had been used before: a repeated callback or a back button",
            40164 | 61004 => {
                "this server's address is not on the IP whitelist; errmsg names the address to add"
            }
            40226 => "WeChat blocks this person as high-risk",
            40243 => "the AppSecret is frozen: unfreeze it in the WeChat console",
            40033 | 40035 | 47001 => {
                "a parameter that WeChat did not take: please report this as a defect of wxgate"
            }
            41002 => "app_id is empty",
            41004 => "app_secret is empty",
            41008 => "the callback brought no code",
            42003 => "the code had expired: the person took too long, or this server's clock is off",
            42007 => "the person changed their WeChat password",
            45009 => {
                "the daily quota is used up until midnight Beijing time; it can be cleared in the WeChat console"
            }
            45011 => "too many calls; WeChat asks for a pause",
            48001 => "the account has no permission for this interface: is it a verified service account?",
            48004 => {
                "WeChat has banned this interface for the account: see the messages in the WeChat console"
            }
            50001 => "the person has not authorised this interface",
            50002 => "the person, or the account as a whole, is restricted by WeChat",
            50005 => "the person does not follow the account",
            61007 => {
                "the interface is not authorised for this account: look at its permissions in the WeChat console"
            }
            89501 | 89503 => {
                "the account's administrator has to confirm this server's address: WeChat has sent them a message; errmsg names the address"
            }
            89506 | 89507 => {
                "the account's administrator has refused this server's address (for an hour, or a day when refused twice); errmsg names it"
            }
            _ => "see the list of return codes in WeChat's documentation",
        }
    }
}

impl fmt::Display for Errcode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_errcode_has_its_reaction_and_its_advice() {
        use Reaction::*;
        for (reaction, codes) in [
            (Busy, &[-1, 45009, 45011][..]),
            (Restart, &[40003, 40014, 40029, 40030, 40163, 42001, 42002, 42003, 42007, 50001]),
            (Restricted, &[40226, 50002]),
            (Refused, &[41008]),
            (
                Administrator,
                &[
                    40001, 40002, 40013, 40125, 40164, 40243, 41001, 41002, 41003, 41004, 41009, 43001,
                    43002, 43003, 48001, 48004, 50005, 40033, 40035, 47001, 61004, 61007, 89501, 89503,
                    89506, 89507,
                ],
            ),
        ] {
            for code in codes {
                assert_eq!(Errcode(*code).reaction(), reaction, "{code}");
                assert!(!Errcode(*code).advice().starts_with("see the list"), "{code}");
            }
        }
        assert_eq!(Errcode(40001).reaction_to_profile(), Restart);
        assert_eq!(Errcode(12345).reaction(), Administrator);
    }
}
