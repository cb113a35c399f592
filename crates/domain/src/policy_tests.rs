use std::sync::Arc;

use super::*;
use crate::assignment::Agent;
use crate::caller::Scopes;
use crate::ids::RoomId;
use crate::membership::Person;
use crate::message::Extra;
use crate::position::{Epoch, Position, Seq};

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn support(state: SupportState) -> RoomDetail {
    RoomDetail::Support(Support {
        customer: user("kim"),
        member_id: None,
        nickname: None,
        state,
        inquired_at: Timestamp::from_micros(0),
    })
}

fn assigned_to(id: &str) -> SupportState {
    SupportState::Assigned(Agent {
        user: user(id),
        name: Arc::from(id),
    })
}

const NOBODY: Standing = Standing::Stranger;
const MEMBER: Standing = Standing::Member(MemberRole::Member);
const MODERATOR: Standing = Standing::Member(MemberRole::Moderator);
const OWNER: Standing = Standing::Member(MemberRole::Owner);
const ROOMS_OF_MEMBERS: [RoomDetail; 3] = [RoomDetail::Direct, RoomDetail::Group, RoomDetail::Open];

#[test]
fn only_the_customer_and_the_assigned_agent_write() {
    let room = support(assigned_to("lee"));
    let send = |id: &str, role| may_send(&room, NOBODY, &user(id), role);
    assert!(send("kim", Role::User).is_ok());
    let admission = send("lee", Role::Agent).unwrap();
    assert_eq!(admission.sender_kind, SenderKind::Agent);
    for (id, role) in [
        ("lee", Role::User),
        ("park", Role::User),
        ("park", Role::Agent),
        ("park", Role::Admin),
        ("kim", Role::Service),
    ] {
        assert_eq!(send(id, role), Err(Code::NotYourRoom), "{id} {role:?}");
    }
}

#[test]
fn nobody_but_the_customer_writes_into_a_room_without_an_agent() {
    for state in [SupportState::Waiting, SupportState::Completed] {
        let sent = may_send(&support(state), NOBODY, &user("lee"), Role::Agent);
        assert_eq!(sent, Err(Code::NotYourRoom));
    }
}

#[test]
fn the_customers_message_reopens_a_completed_room_and_no_other() {
    let reopens = |state| {
        let sent = may_send(&support(state), NOBODY, &user("kim"), Role::User);
        sent.unwrap().reopens
    };
    assert!(reopens(SupportState::Completed));
    assert!(!reopens(SupportState::Waiting));
    assert!(!reopens(assigned_to("lee")));
}

#[test]
fn an_agent_reads_only_while_assigned_and_an_admin_always() {
    let room = support(assigned_to("lee"));
    let done = support(SupportState::Completed);
    assert!(reads(&room, NOBODY, &user("kim"), Role::User));
    assert!(reads(&room, NOBODY, &user("lee"), Role::Agent));
    assert!(!reads(&room, NOBODY, &user("park"), Role::Agent));
    assert!(!reads(&done, NOBODY, &user("lee"), Role::Agent));
    assert!(reads(&room, NOBODY, &user("park"), Role::Admin));
    assert!(!reads(&room, NOBODY, &user("kim"), Role::Service));
}

#[test]
fn members_write_and_nobody_else() {
    for room in ROOMS_OF_MEMBERS {
        for standing in [MEMBER, MODERATOR, OWNER] {
            for role in [Role::User, Role::Agent, Role::Admin] {
                let sent = may_send(&room, standing, &user("kim"), role).unwrap();
                assert_eq!(sent.sender_kind, SenderKind::Member);
            }
            assert!(may_send(&room, standing, &user("kim"), Role::Service).is_err());
        }
        for standing in [NOBODY, Standing::Removed] {
            assert!(may_send(&room, standing, &user("kim"), Role::Admin).is_err());
        }
    }
}

#[test]
fn open_rooms_are_read_by_all_but_those_removed_and_others_by_members_alone() {
    let kim = user("kim");
    assert!(reads(&RoomDetail::Open, NOBODY, &kim, Role::User));
    assert!(!reads(
        &RoomDetail::Open,
        Standing::Removed,
        &kim,
        Role::User
    ));
    for room in [RoomDetail::Direct, RoomDetail::Group] {
        assert!(reads(&room, MEMBER, &kim, Role::User));
        assert!(!reads(&room, NOBODY, &kim, Role::Agent));
        assert!(reads(&room, NOBODY, &kim, Role::Admin));
    }
}

#[test]
fn who_belongs_to_an_open_room_and_what_they_read_is_for_its_members_and_admins() {
    let kim = user("kim");
    let sees = |room: &RoomDetail, standing, role| sees_members(room, standing, &kim, role);
    for room in ROOMS_OF_MEMBERS {
        assert!(sees(&room, MEMBER, Role::User));
        assert!(!sees(&room, NOBODY, Role::User));
        assert!(!sees(&room, NOBODY, Role::Agent));
        assert!(!sees(&room, Standing::Removed, Role::User));
        assert!(sees(&room, NOBODY, Role::Admin));
        assert!(!sees(&room, MEMBER, Role::Service));
    }
    let support = support(assigned_to("lee"));
    assert!(sees(&support, NOBODY, Role::User), "its customer");
    assert!(sees_members(&support, NOBODY, &user("lee"), Role::Agent));
    assert!(!sees_members(&support, NOBODY, &user("park"), Role::Agent));
}

#[test]
fn the_desk_is_for_agents_and_an_inbox_for_its_user() {
    let kim = user("kim");
    assert!(!reads(&RoomDetail::Desk, NOBODY, &kim, Role::User));
    assert!(reads(&RoomDetail::Desk, NOBODY, &kim, Role::Agent));
    let inbox = RoomDetail::Inbox(kim.clone());
    assert!(reads(&inbox, NOBODY, &kim, Role::User));
    assert!(!reads(&inbox, NOBODY, &user("lee"), Role::Admin));
    for room in [RoomDetail::Desk, inbox] {
        assert!(may_send(&room, OWNER, &kim, Role::Admin).is_err());
    }
}

fn act(room: &RoomDetail, who: Standing, whom: Standing, action: &RoomAction) -> Result<(), Code> {
    may_act(room, &user("kim"), Role::User, who, whom, action)
}

#[test]
fn anybody_joins_an_open_room_but_those_removed() {
    let join = |room: &RoomDetail, who| act(room, who, NOBODY, &RoomAction::Join);
    assert!(join(&RoomDetail::Open, NOBODY).is_ok());
    assert!(join(&RoomDetail::Open, MEMBER).is_ok());
    assert_eq!(
        join(&RoomDetail::Open, Standing::Removed),
        Err(Code::NotYourRoom)
    );
    assert_eq!(join(&RoomDetail::Group, NOBODY), Err(Code::NotYourRoom));
}

#[test]
fn moderators_remove_members_and_the_owner_anybody_else() {
    let remove = RoomAction::Remove(user("lee"));
    let act = |who, whom| act(&RoomDetail::Group, who, whom, &remove);
    assert_eq!(act(MEMBER, MEMBER), Err(Code::RoleRequired));
    assert!(act(MODERATOR, MEMBER).is_ok());
    assert_eq!(act(MODERATOR, MODERATOR), Err(Code::RoleRequired));
    assert!(act(OWNER, MODERATOR).is_ok());
    assert_eq!(act(OWNER, OWNER), Err(Code::RoleRequired));
    assert_eq!(act(OWNER, NOBODY), Err(Code::MemberNotFound));
    assert_eq!(act(NOBODY, MEMBER), Err(Code::NotYourRoom));
}

#[test]
fn whoever_was_removed_comes_back_by_a_moderator_only() {
    let add = RoomAction::Add(Vec::new(), MemberRole::Member);
    let act = |who, whom| act(&RoomDetail::Open, who, whom, &add);
    assert!(act(MEMBER, NOBODY).is_ok());
    assert_eq!(act(MEMBER, Standing::Removed), Err(Code::RoleRequired));
    assert!(act(MODERATOR, Standing::Removed).is_ok());
}

#[test]
fn only_the_owner_edits_deletes_and_gives_roles() {
    let actions = [
        RoomAction::Edit(crate::room::ProfileChange::default()),
        RoomAction::Delete,
        RoomAction::SetRole(user("lee"), MemberRole::Moderator),
        RoomAction::Add(Vec::new(), MemberRole::Moderator),
    ];
    for action in &actions {
        for room in [RoomDetail::Group, RoomDetail::Open] {
            assert!(act(&room, OWNER, MEMBER, action).is_ok());
            assert_eq!(
                act(&room, MODERATOR, MEMBER, action),
                Err(Code::RoleRequired)
            );
            assert_eq!(act(&room, NOBODY, MEMBER, action), Err(Code::NotYourRoom));
        }
    }
}

#[test]
fn the_host_manages_rooms_of_members_and_no_others() {
    let host = |room: &RoomDetail, action: &RoomAction| {
        may_act(room, &user("shop"), Role::Service, NOBODY, MEMBER, action)
    };
    let remove = RoomAction::Remove(user("lee"));
    assert!(host(&RoomDetail::Group, &remove).is_ok());
    assert!(host(&RoomDetail::Direct, &RoomAction::Delete).is_ok());
    for room in [support(SupportState::Waiting), RoomDetail::Desk] {
        assert!(host(&room, &RoomAction::Delete).is_err());
    }
}

#[test]
fn the_host_looks_into_rooms_of_people_with_the_scope_for_it_and_into_no_other_log() {
    let shop = |scopes: Scopes| Caller {
        scopes,
        ..Caller::new(user("shop"), Role::Service)
    };
    let with = Scopes::NONE.with(Scope::Rooms);
    let code = |kind, caller: &Caller| {
        may_oversee(kind, caller, Scope::Rooms).map_err(|error| error.code())
    };
    for kind in RoomKind::ALL {
        let of_people = !matches!(kind, RoomKind::Desk | RoomKind::Inbox);
        let expected = of_people.then_some(()).ok_or(Code::RoomNotFound);
        assert_eq!(code(kind, &shop(with)), expected, "{kind:?}");
        assert_eq!(code(kind, &shop(Scopes::PUBLISH)), Err(Code::ScopeMissing));
        let admin = Caller::new(user("root"), Role::Admin);
        assert_eq!(code(kind, &admin), Err(Code::ScopeMissing));
    }
}

#[test]
fn a_guest_takes_part_and_brings_nobody_in() {
    let kim = user("kim");
    let open = RoomDetail::Open;
    let lee = Person {
        user: user("lee"),
        name: None,
    };
    let add = RoomAction::Add(vec![lee], MemberRole::Member);
    let act = |role, standing, action| may_act(&open, &kim, role, standing, NOBODY, action);
    for standing in [MEMBER, MODERATOR, OWNER] {
        assert_eq!(
            act(Role::Guest, standing, &add),
            Err(Code::NotForGuests),
            "{standing:?}"
        );
        assert_eq!(act(Role::User, standing, &add), Ok(()));
        assert_eq!(act(Role::Guest, standing, &RoomAction::Leave), Ok(()));
        assert!(may_send(&open, standing, &kim, Role::Guest).is_ok());
    }
    assert_eq!(act(Role::Guest, NOBODY, &RoomAction::Join), Ok(()));
    assert!(reads(&open, NOBODY, &kim, Role::Guest));
    assert_eq!(
        may_open(&Caller::new(kim.clone(), Role::Guest), &kim),
        Ok(())
    );
    for may in [may_make_rooms, may_upload] {
        assert_eq!(may(Role::Guest), Err(Code::NotForGuests));
        for role in [Role::User, Role::Agent, Role::Admin, Role::Service] {
            assert_eq!(may(role), Ok(()));
        }
    }
}

fn message(sender: &str, kind: MessageKind, revision: Revision) -> Message {
    let epoch = Epoch::new(1);
    let seq = Seq::new(1);
    Message {
        room: RoomId::new("g").unwrap(),
        position: Position { epoch, seq },
        kind,
        sender: user(sender),
        sender_name: None,
        sender_kind: SenderKind::Member,
        client_id: None,
        text: Arc::from("x"),
        sent_at: Timestamp::from_micros(0),
        extra: Some(Box::new(Extra {
            revision,
            ..Extra::default()
        })),
    }
}

fn revise(standing: Standing, message: &Message, after_seconds: i64) -> Result<Admission, Code> {
    let reviser = Reviser {
        user: &user("kim"),
        role: Role::User,
        standing,
        within: Some(Duration::from_secs(60)),
        at: Timestamp::from_micros(after_seconds * 1_000_000),
    };
    may_revise(&RoomDetail::Group, message, reviser)
}

#[test]
fn a_sender_changes_their_message_for_a_while_and_a_moderator_any_message_always() {
    let own = message("kim", MessageKind::Message, Revision::None);
    let other = message("lee", MessageKind::Message, Revision::None);
    assert!(revise(MEMBER, &own, 60).is_ok());
    assert_eq!(revise(MEMBER, &own, 61), Err(Code::TooLate));
    assert_eq!(revise(MEMBER, &other, 1), Err(Code::RoleRequired));
    assert!(revise(MODERATOR, &other, 1_000).is_ok());
    assert!(revise(MODERATOR, &own, 1_000).is_ok());
    assert_eq!(revise(NOBODY, &own, 1), Err(Code::NotYourRoom));
}

#[test]
fn what_is_no_message_or_is_gone_cannot_be_changed() {
    let gone = Revision::Deleted(Timestamp::from_micros(0));
    for message in [
        message("kim", MessageKind::Joined, Revision::None),
        message("kim", MessageKind::Message, gone),
    ] {
        assert_eq!(revise(OWNER, &message, 1), Err(Code::MessageNotFound));
    }
}
