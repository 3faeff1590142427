//! Two nodes on one database: what may happen once happens once.

use futures_util::future::join_all;

use super::super::super::records::{ClaimKind, Invite};
use super::*;
use crate::model::member::{ChangeError, Groups};

/// Runs `attempts` in turn on both nodes, all at the same time; what they came to.
async fn race<T, F: Future<Output = T>>(
    nodes: &[Arc<dyn Store>; 2],
    attempts: usize,
    attempt: impl Fn(Arc<dyn Store>, usize) -> F,
) -> Vec<T> {
    join_all((0..attempts).map(|number| attempt(Arc::clone(&nodes[number % 2]), number))).await
}

#[tokio::test]
async fn a_ticket_is_taken_once() {
    let (nodes, _) = two_nodes(Postgres::shared()).await;
    let answers =
        race(&nodes, 20, async |node, _| node.claim(ClaimKind::Ticket, [7; 16], LATER).await.unwrap()).await;
    assert_eq!(answers.iter().filter(|answer| **answer).count(), 1);
}

#[tokio::test]
async fn an_invitation_for_three_makes_three_members() {
    let (nodes, _) = two_nodes(Postgres::shared()).await;
    let invite = Invite {
        id: "00000000000000aa".to_owned(),
        code_hash: [1; 32],
        groups: Groups::of(["sales"]).unwrap(),
        uses_left: Some(3),
        expires: LATER,
        made_by: Actor::CommandLine,
        made_at: NOW,
        note: String::new(),
    };
    nodes[0].make_invite(invite, note(AuditKind::InviteMade)).await.unwrap();
    let mut members = Vec::new();
    for number in 0..8 {
        members.push(member(&nodes[0], &format!("o{number}")).await.id);
    }
    let answers = race(&nodes, 8, |node, number| {
        let who = members[number].clone();
        async move { node.join([1; 32], who, note(AuditKind::InviteUsed)).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::Missing))), "{answers:?}");
    assert_eq!(nodes[1].invite([1; 32], NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_setup_link_makes_one_administrator() {
    let (nodes, _) = two_nodes(Postgres::shared()).await;
    nodes[0].make_setup_link([2; 32], LATER, note(AuditKind::SetupLinkMade)).await.unwrap();
    let mut members = Vec::new();
    for number in 0..6 {
        members.push(member(&nodes[1], &format!("o{number}")).await.id);
    }
    let answers = race(&nodes, 6, |node, number| {
        let who = members[number].clone();
        async move { node.set_up([2; 32], who, note(AuditKind::SetupUsed)).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert!(!nodes[1].needs_setup().await.unwrap());
}

#[tokio::test]
async fn a_user_name_is_given_once_in_any_case_of_letters() {
    let (nodes, _) = two_nodes(Postgres::shared()).await;
    let members = [member(&nodes[0], "a").await.id, member(&nodes[0], "b").await.id];
    let answers = race(&nodes, 2, |node, number| {
        let name = ["Istanbul", "iSTANBUL"][number].parse().unwrap();
        let who = members[number].clone();
        async move { change(&node, &who, Change::UserName(Some(name))).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let taken = |answer: &_| matches!(answer, Err(StoreError::Change(ChangeError::UserNameTaken)));
    assert_eq!(answers.iter().filter(|answer| taken(answer)).count(), 1, "{answers:?}");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let (nodes, _) = two_nodes(Postgres::shared()).await;
    let members = [admin(&nodes[0], "a").await.id, admin(&nodes[0], "b").await.id];
    let answers = race(&nodes, 2, |node, number| {
        let who = members[number].clone();
        async move { change(&node, &who, Change::MakeAdmin(false)).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert!(!nodes[0].needs_setup().await.unwrap());
}

#[tokio::test]
async fn somebody_who_arrives_twice_at_once_is_one_member() {
    let (nodes, _) = two_nodes(Postgres::shared()).await;
    let answers = race(&nodes, 6, async |node, _| node.arrive(arrival("same")).await.unwrap()).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_new).count(), 1);
    assert!(answers.iter().all(|answer| answer.member.id == answers[0].member.id));
    assert_eq!(answers[0].member.profile_name, "same\0 李");
    let query = Default::default();
    let query =
        super::super::super::records::MembersQuery { limit: 10, search: Some("AME 李".to_owned()), ..query };
    let listed = nodes[1].members(query).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].profile_name, "same 李", "PostgreSQL keeps no NUL");
}

#[tokio::test]
async fn two_nodes_that_start_on_an_empty_database_make_one_store() {
    let server = Postgres::shared();
    let name = database(server);
    let url = server.url(&name);
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let opened = join_all(folders.iter().map(|folder| at(&url, folder.path()))).await;
    let opened: Vec<_> = opened.into_iter().collect::<Result<_, _>>().unwrap();
    let id = server.sql(&name, "SELECT store_id, schema FROM wxgate");
    assert_eq!((id.lines().count(), id.len()), (1, 34), "{id}");
    for (store, folder) in opened.iter().zip(&folders) {
        store.check().await.unwrap();
        let marker = std::fs::read_to_string(folder.path().join("store.id")).unwrap();
        assert_eq!(marker, format!("postgres {}\n", id.trim_end_matches("|3")));
    }
    assert!(claim(&opened[3]).await.unwrap());
}
