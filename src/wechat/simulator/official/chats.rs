//! The chats between people and accounts, as the phones show them.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::watch;

use super::super::{AppKind, Simulator, held};
use crate::model::clock::Timestamp;

/// One line of a chat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChatMessage {
    /// When, by the simulator's clock.
    pub at: Timestamp,
    /// Who says it.
    pub speaker: Speaker,
    /// What they say.
    pub text: String,
}

/// Who says something in a chat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Speaker {
    /// The account: its server's passive reply.
    Account,
    /// Whose phone it is.
    Person,
    /// WeChat itself, in grey.
    Wechat,
}

/// A chat in a phone's list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chat {
    /// The account.
    pub app_id: String,
    /// Its name.
    pub app_name: String,
    /// Whether the phone's person follows it.
    pub follows: bool,
    /// What was said, oldest first.
    pub messages: Vec<ChatMessage>,
}

pub(in crate::wechat::simulator) struct Chats {
    /// By name and AppID.
    all: Mutex<HashMap<(String, String), Vec<ChatMessage>>>,
    changes: watch::Sender<()>,
}

impl Default for Chats {
    fn default() -> Self {
        Self { all: Mutex::default(), changes: watch::Sender::new(()) }
    }
}

impl Simulator {
    /// The chat of `person` with the account `app_id`, oldest first.
    pub fn chat(&self, person: &str, app_id: &str) -> Vec<ChatMessage> {
        let place = (person.to_owned(), app_id.to_owned());
        held(&self.official.chats.all).get(&place).cloned().unwrap_or_default()
    }

    /// The chats on the phone of `person`: the accounts they follow, or have heard from.
    pub fn chats(&self, person: &str) -> Vec<Chat> {
        let mut chats = self.accounts(person);
        chats.retain(|chat| chat.follows || !chat.messages.is_empty());
        chats
    }

    /// What `person` finds who searches: every Official Account there is, with what was said so far.
    pub fn accounts(&self, person: &str) -> Vec<Chat> {
        let accounts = self.apps.iter().filter(|app| app.kind() == AppKind::OfficialAccount);
        let chats = accounts.map(|app| Chat {
            app_id: app.id().to_owned(),
            app_name: app.name().to_owned(),
            follows: self.follows(person, app.id()),
            messages: self.chat(person, app.id()),
        });
        chats.collect()
    }

    /// Waits until the chat of `person` with the account `app_id` is as `holds` wants it, and gives it.
    pub async fn chat_until(
        &self,
        person: &str,
        app_id: &str,
        mut holds: impl FnMut(&[ChatMessage]) -> bool,
    ) -> Vec<ChatMessage> {
        let mut changes = self.official.chats.changes.subscribe();
        loop {
            let chat = self.chat(person, app_id);
            // The sender lives as long as the simulator does.
            if holds(&chat) || changes.changed().await.is_err() {
                return chat;
            }
        }
    }

    /// Resolves at every line that is said in any chat from now on; for pages that show them.
    pub fn chat_changes(&self) -> watch::Receiver<()> {
        self.official.chats.changes.subscribe()
    }

    pub(in crate::wechat::simulator) fn say(&self, person: &str, app_id: &str, speaker: Speaker, text: &str) {
        let line = ChatMessage { at: self.now(), speaker, text: text.to_owned() };
        let place = (person.to_owned(), app_id.to_owned());
        held(&self.official.chats.all).entry(place).or_default().push(line);
        self.official.chats.changes.send_replace(());
    }
}
