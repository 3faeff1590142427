//! What WeChat pushes to an account's server (消息推送): where to, how it is written and sealed, and what it makes of the
//! answer.

mod answered;
mod deliver;
mod handwriting;
mod letter;
mod says;
mod sealing;
mod settings;

pub use answered::Answered;
pub use deliver::Delivered;
pub use handwriting::{Handwriting, Spacing};
pub use letter::{Letter, PushAnswer};
pub use says::Push;
pub use settings::PushSettings;

pub(super) use deliver::Pushing;
