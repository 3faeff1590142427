//! Administration from elsewhere: the same database, as another node or a command on the server sees it.

use std::sync::Arc;

use http::StatusCode;
use tokio::runtime::Handle;
use wxgate::members::{Act, Directory, JoinSettings, Newcomer};
use wxgate::model::audit::Actor;
use wxgate::model::clock;
use wxgate::model::identity::{Account, Profile};
use wxgate::model::member::{Change, MemberId};
use wxgate::store::{Opening, StoreSettings, open};

use super::{Browser, TestGateway};

/// Whoever runs commands on the server.
pub(crate) fn operator() -> Act {
    Act { actor: Actor::CommandLine, client: None, request_id: None, now: clock::now() }
}

impl TestGateway {
    /// The directory, opened a second time beside the gateway.
    pub(crate) async fn directory(&self) -> Arc<Directory> {
        let data_dir = self.folder.path().join("data");
        let settings = StoreSettings { url: self.store.clone(), ca_file: None, data_dir };
        Directory::new(
            open(&settings, Opening::Existing, Handle::current()).await.unwrap(),
            Handle::current(),
        )
    }

    /// Changes a member from elsewhere.
    pub(crate) async fn change(&self, whom: &MemberId, change: Change) {
        self.directory().await.change(&operator(), whom, change).await.unwrap();
    }

    /// Somebody who has signed in at some time, and whose sessions a test seals by itself.
    pub(crate) async fn somebody(&self) -> MemberId {
        self.somebody_known_as("oABC").await
    }

    /// Somebody whom WeChat knows as `openid`.
    pub(crate) async fn somebody_known_as(&self, openid: &str) -> MemberId {
        self.arrives(openid, None).await
    }

    /// The same for somebody of whom WeChat tells who they are over all apps.
    pub(crate) async fn arrives(&self, openid: &str, unionid: Option<&str>) -> MemberId {
        let account = Account { app_id: "wxwebsite".to_owned(), openid: openid.to_owned() };
        let newcomer = Newcomer {
            account,
            unionid: unionid.map(str::to_owned),
            profile: Profile::default(),
            repeats: Vec::new(),
            browser: String::new(),
            client: [127, 0, 0, 1].into(),
            request_id: String::new(),
        };
        let (directory, now) = (self.directory().await, clock::now());
        let session = wxgate::seal::random();
        directory.welcome(newcomer, session, now, &JoinSettings::default(), now).await.unwrap().id
    }

    /// A browser in which `person` has signed in and is a member.
    pub(crate) async fn member(&self, person: &str) -> (Browser, MemberId) {
        let mut browser = self.browser();
        let callback = browser.callback(self, person, "/").await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        let id = browser.member_id(self).await;
        self.change(&id, Change::Approve(None)).await;
        (browser, id)
    }
}

impl Browser {
    /// The id of whoever is signed in.
    pub(crate) async fn member_id(&mut self, gateway: &TestGateway) -> MemberId {
        self.fetch(&gateway.url("/_wxgate/me")).await.json()["id"].as_str().unwrap().parse().unwrap()
    }
}
