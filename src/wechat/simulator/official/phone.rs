//! What people do with Official Accounts on their phones, and what the account's server is told of it.
//!
//! Each of these resolves when WeChat is done with telling: a server that does not answer costs three times five
//! seconds of the simulator's clock. Who does not want to wait lets it run in a task of its own.

use thiserror::Error;

use super::super::push::{Delivered, Push};
use super::super::{App, AppKind, Person, Simulator};
use super::chats::Speaker;

/// Why a phone could not do that. Nothing was pushed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PhoneError {
    /// The code is unknown or expired: the phone says 二维码已过期.
    #[error("this code is not valid any more")]
    CodeGone,
    /// Only followers have a chat with the account.
    #[error("this person does not follow the account")]
    NotFollowing,
    /// No Official Account has this AppID.
    #[error("there is no such Official Account")]
    UnknownAccount,
    /// Nobody of this name has a phone.
    #[error("nobody of this name has a phone")]
    UnknownPerson,
}

impl Simulator {
    /// `person` points their phone at a code, given by the address in it or by its ticket. Who does not follow the
    /// account yet, follows it by that.
    ///
    /// # Errors
    /// When the code is not good, or there is no such person.
    pub async fn scan_code(&self, person: &str, url_or_ticket: &str) -> Result<Delivered, PhoneError> {
        let person = self.person(person).ok_or(PhoneError::UnknownPerson)?;
        let code = self.open_code(url_or_ticket).ok_or(PhoneError::CodeGone)?;
        let app = self.account(&code.app_id)?;
        let is_new = self.official.followers.add(app.id(), person.name(), Some(&code.scene), self.now());
        let push = if is_new { Push::followed_by(&code.scene) } else { Push::scan(&code.scene) };
        Ok(self.deliver(app, person, push.with_ticket(&code.ticket)).await)
    }

    /// `person` finds the account and follows it. Who does so already, tells nobody anything.
    ///
    /// # Errors
    /// When there is no such person or account.
    pub async fn follow(&self, person: &str, app_id: &str) -> Result<Delivered, PhoneError> {
        let (person, app) = self.both(person, app_id)?;
        if !self.official.followers.add(app.id(), person.name(), None, self.now()) {
            return Ok(Delivered::default());
        }
        Ok(self.deliver(app, person, Push::follow()).await)
    }

    /// `person` does not want to follow the account any longer.
    ///
    /// # Errors
    /// When they did not, or there is no such person or account.
    pub async fn unfollow(&self, person: &str, app_id: &str) -> Result<Delivered, PhoneError> {
        let (person, app) = self.both(person, app_id)?;
        if !self.official.followers.remove(app.id(), person.name()) {
            return Err(PhoneError::NotFollowing);
        }
        Ok(self.deliver(app, person, Push::unfollow()).await)
    }

    /// `person` writes `text` into the chat with the account.
    ///
    /// # Errors
    /// When they do not follow it, or there is no such person or account.
    pub async fn write(&self, person: &str, app_id: &str, text: &str) -> Result<Delivered, PhoneError> {
        let (person, app) = self.both(person, app_id)?;
        if !self.follows(person.name(), app.id()) {
            return Err(PhoneError::NotFollowing);
        }
        self.say(person.name(), app.id(), Speaker::Person, text);
        Ok(self.deliver(app, person, Push::text(text)).await)
    }

    /// Anything else that happens to `person` and that the account's server is told of, such as a tap on a menu.
    ///
    /// # Errors
    /// When there is no such person or account.
    pub async fn happen(&self, person: &str, app_id: &str, push: Push) -> Result<Delivered, PhoneError> {
        let (person, app) = self.both(person, app_id)?;
        Ok(self.deliver(app, person, push).await)
    }

    fn both(&self, person: &str, app_id: &str) -> Result<(&Person, &App), PhoneError> {
        Ok((self.person(person).ok_or(PhoneError::UnknownPerson)?, self.account(app_id)?))
    }

    fn account(&self, app_id: &str) -> Result<&App, PhoneError> {
        let app = self.app(app_id).filter(|app| app.kind() == AppKind::OfficialAccount);
        app.ok_or(PhoneError::UnknownAccount)
    }
}
