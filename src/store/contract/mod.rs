//! What every kind of database has to do, as one suite of tests that runs on each.

mod arriving;
mod conflicts;
mod invites;
mod listing;
pub(super) mod log;
mod members;
mod open_sessions;
mod pairings;
mod sessions;
mod setup;
mod trail;
mod unfollows;

use std::time::Duration;

use super::records::{Arrival, MembersQuery, NewSession};
use super::{Answer, MemberKey, Store, StoreError};
use crate::model::audit::{Actor, AuditEvent, AuditKind};
use crate::model::clock::Timestamp;
use crate::model::identity::{Account, Profile};
use crate::model::member::{Change, Member, MemberId, Status};
use crate::seal::random;

/// One test for each case and each kind of database.
macro_rules! contract {
    ($($room:ident: $($case:ident)+;)+) => {
        mod on_sqlite {
            $($(#[tokio::test]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                let store = crate::store::sqlite::tests::fresh(folder.path()).await;
                super::$room::$case(&*store).await;
            })+)+
        }

        mod in_memory {
            $($(#[tokio::test]
            async fn $case() {
                let store = crate::store::sqlite::tests::in_memory().await;
                super::$room::$case(&*store).await;
            })+)+
        }

        mod on_postgres {
            $($(#[tokio::test]
            async fn $case() {
                let store = crate::store::postgres::tests::fresh().await;
                super::$room::$case(&*store).await;
            })+)+
        }
    };
}

contract! {
    arriving: newcomers_get_a_record_and_known_ones_keep_theirs a_unionid_that_comes_later_is_kept
        a_known_unionid_joins_two_apps what_wechat_does_not_tell_stays listed_admins_administer_unless_blocked
        only_a_hundred_sessions_count old_ends_stay_ends a_repeated_sign_in_that_was_ended_is_written_down;
    members: guests_ask_once every_change_follows_on_the_status_or_changes_nothing
        a_user_name_is_one_persons_in_any_case the_last_administrator_stays blocking_ends_sessions
        what_is_forgotten_is_gone whoever_is_missing_is_missing hostile_texts_come_out_as_they_went_in;
    sessions: one_session_ends all_sessions_end claims_are_taken_once;
    open_sessions: all_open_sessions_are_listed_by_pages_of_members an_open_session_is_found_by_the_beginning_of_its_id;
    unfollows: who_leaves_ends_what_began_until_then who_is_not_known_leaves_nothing;
    invites: an_invitation_makes_members_until_it_is_used_up a_member_uses_no_invitation_up
        three_uses_are_three_among_many blocked_ones_join_nothing refused_ones_join_nothing what_is_withdrawn_or_over_lets_nobody_in;
    setup: the_first_administrator_comes_by_a_link one_of_twenty_is_set_up a_link_that_is_over_sets_nobody_up;
    pairings: a_phone_lets_one_browser_in_once one_of_fifty_takes_it one_of_two_phones_is_first
        two_browsers_are_never_called_by_the_same what_a_phone_brings_comes_out_as_it_went_in
        a_full_network_drops_its_own_oldest whoever_has_signed_in_keeps_no_room where_all_is_full_the_largest_network_makes_room;
    conflicts: one_unionid_of_two_is_a_conflict_once a_block_counts_for_both conflicts_are_settled_by_keeping_apart
        conflicts_are_settled_by_moving_the_account a_move_keeps_blocks_and_administrators;
    listing: pages_have_no_gaps_and_no_repetitions who_waits_is_listed_by_when_they_asked searches_find_what_is_shown
        members_are_counted;
    trail: lines_come_in_pages_newest_first a_change_and_its_line_are_one the_log_has_what_was_written_though_nobody_waits
        the_log_has_nothing_of_what_changed_nothing what_has_run_out_is_purged
        a_store_that_is_there_says_so;
}

/// A day on which everything here happens.
fn at(second: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + second)
}

/// Somebody signs in by an account of the app `wx-main`, and is a guest.
fn arrival(openid: &str, second: i64) -> Arrival {
    Arrival {
        fresh_id: MemberId::of(random()),
        account: Account { app_id: "wx-main".to_owned(), openid: openid.to_owned() },
        unionid: None,
        profile: Profile { name: format!("name of {openid}"), ..Profile::default() },
        newcomer: Status::Guest,
        is_listed_admin: false,
        repeats: Vec::new(),
        session: NewSession {
            id: random(),
            started: at(second),
            expires: at(second) + Duration::from_secs(1000),
            browser: "Firefox".to_owned(),
            client: [192, 0, 2, 7].into(),
        },
        request_id: "request-1".to_owned(),
    }
}

/// The same by another app, with this unionid.
fn with_unionid(openid: &str, second: i64, unionid: &str) -> Arrival {
    Arrival { unionid: Some(unionid.to_owned()), ..arrival(openid, second) }
}

/// Somebody who is there, with this status.
async fn somebody(store: &dyn Store, openid: &str, status: Status) -> Member {
    store.arrive(Arrival { newcomer: status, ..arrival(openid, 0) }).await.unwrap().member
}

/// An administrator.
async fn admin(store: &dyn Store, openid: &str) -> Member {
    store.arrive(Arrival { is_listed_admin: true, ..arrival(openid, 0) }).await.unwrap().member
}

fn note(kind: AuditKind, second: i64) -> AuditEvent {
    AuditEvent {
        at: at(second),
        kind,
        actor: Actor::CommandLine,
        member: None,
        client: None,
        request_id: None,
        detail: String::new(),
    }
}

fn note_of(kind: AuditKind, second: i64, member: &Member) -> AuditEvent {
    AuditEvent { member: Some(member.id.clone()), ..note(kind, second) }
}

async fn change(store: &dyn Store, whom: &Member, change: Change) -> Result<Member, StoreError> {
    store.change(whom.id.clone(), change, note_of(AuditKind::Renamed, 1, whom)).await
}

async fn found(store: &dyn Store, id: &MemberId) -> Option<Member> {
    let detail = store.member(MemberKey::Id(id.clone()), at(0)).await.unwrap();
    detail.map(|detail| detail.member)
}

/// All members, in the order of the list.
async fn everybody(store: &dyn Store) -> Vec<Member> {
    store.members(MembersQuery { limit: 1000, ..MembersQuery::default() }).await.unwrap()
}

/// How many lines of this kind are in the trail.
async fn lines(store: &dyn Store, kind: AuditKind) -> usize {
    let query = super::records::AuditQuery { kind: Some(kind), limit: 1000, ..Default::default() };
    store.audit(query).await.unwrap().len()
}

/// Awaits all of them at once.
async fn together<T: Send + 'static>(answers: Vec<Answer<T>>) -> Vec<Result<T, StoreError>> {
    let tasks: Vec<_> = answers.into_iter().map(tokio::spawn).collect();
    let mut said = Vec::new();
    for task in tasks {
        said.push(task.await.unwrap());
    }
    said
}
