//! What is left of a forgotten person in the files, while the gateway runs and afterwards.

use super::*;
use crate::model::pairing::{Pairing, PairingState, PairingStep, Proof};
use crate::store::records::{PairingBounds, PairingBy};

/// What only the forgotten person had.
const TRACES: [&str; 4] = ["secretperson", "192.0.2.77", "https://avatar/", "https://other-avatar/"];

/// Those of the traces that are in some file of the folder.
fn left_in(folder: &Path) -> Vec<&'static str> {
    let mut left = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let holds = |trace: &&str| bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
        left.extend(TRACES.into_iter().filter(|trace| holds(trace)));
    }
    left.sort_unstable();
    left.dedup();
    left
}

/// Somebody who has signed in, and has allowed a code on their phone.
async fn somebody(store: &dyn Store) -> MemberId {
    let arriving = arrival("secretperson");
    let pairing = Pairing {
        browser: random(),
        call: random(),
        site: "a.example".to_owned(),
        user_agent: "Firefox".to_owned(),
        client: arriving.session.client,
        begun: Timestamp::from_unix(0),
        expires: Timestamp::from_unix(300),
        state: PairingState::Waiting,
    };
    let bounds = PairingBounds { most: 10, most_of_network: 10 };
    assert!(store.begin_pairing(pairing.clone(), bounds).await.unwrap());
    let profile = Profile { avatar: "https://other-avatar/".to_owned(), ..arriving.profile.clone() };
    let proof = Proof { account: arriving.account.clone(), unionid: None, profile };
    let by = PairingBy::Call(pairing.call);
    let allowed = store.advance_pairing(by, PairingStep::Allow(proof), Timestamp::from_unix(1)).await;
    assert!(allowed.unwrap().is_some());
    store.arrive(arriving).await.unwrap().member.id
}

#[tokio::test]
async fn nothing_of_a_forgotten_person_is_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh(folder.path()).await;
    let id = somebody(&*store).await;
    assert_eq!(left_in(folder.path()).len(), TRACES.len(), "this is how they would be found");
    store.forget(id, note()).await.unwrap();
    assert_eq!(left_in(folder.path()), [""; 0], "while it is open");
    store.note(note()).await.unwrap();
    close(store, folder.path()).await;
    assert_eq!(left_in(folder.path()), [""; 0], "afterwards");
}

#[tokio::test]
async fn what_a_reader_kept_from_being_erased_is_erased_when_house_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh(folder.path()).await;
    let id = somebody(&*store).await;
    let reader = Connection::open(folder.path().join("members.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader.query_row("SELECT count(*) FROM members", [], |_| Ok(())).unwrap();
    store.forget(id, note()).await.unwrap();
    assert_eq!(left_in(folder.path()).len(), TRACES.len(), "the reader may still see them");
    reader.execute_batch("ROLLBACK").unwrap();
    store.purge(Timestamp::from_unix(1), Timestamp::from_unix(0)).await.unwrap();
    assert_eq!(left_in(folder.path()), [""; 0]);
}
