//! Who is a member of the demo from the beginning: one administrator, one member; the third has to ask.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context as _;

use super::phone;
use crate::members::{Directory, Join, JoinSettings, Newcomer};
use crate::model::clock;
use crate::model::identity::{Account, Profile};
use crate::seal::random;
use crate::wechat::simulator::{App, Person};

/// How many of them are members from the beginning: the first ones.
pub(super) const KNOWN: usize = 2;

/// How the people of the pretend phone stand, in their order.
pub(super) const ROLES: [&str; 3] = ["administrator · 管理员", "member · 成员", "unknown · 陌生人"];

/// Makes the first person an administrator and the second a member, as if they had signed in by `app` before.
pub(super) async fn sign_up(directory: &Directory, app: &App) -> anyhow::Result<()> {
    let people = phone::people();
    let (first, second) = people.first().zip(people.get(1)).context("nobody holds the pretend phone")?;
    let joining = JoinSettings { join: Join::Open, admins: first.unionid(app).into_iter().collect() };
    for person in [first, second] {
        let now = clock::now();
        // The session ends as it begins: nobody holds its cookie.
        directory.welcome(newcomer(person, app), random(), now, &joining, now).await?;
    }
    Ok(())
}

fn newcomer(person: &Person, app: &App) -> Newcomer {
    Newcomer {
        account: Account { app_id: app.id().to_owned(), openid: person.openid(app.id()) },
        unionid: person.unionid(app),
        profile: Profile { name: person.name().to_owned(), ..Profile::default() },
        repeats: Vec::new(),
        browser: "wxgate demo".to_owned(),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: "demo".to_owned(),
    }
}
