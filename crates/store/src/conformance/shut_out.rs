//! Who was removed, by whom, and who lets them in again.

use madang_domain::{Code, Command, Role, RoomAction, RoomKind, Standing};

use super::*;

/// Only the host brings back whom the host removed from a direct room; the last to be removed takes the room along.
pub async fn whom_the_host_removes_stays_out(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let direct = |owner, others: &[&str]| {
        Command::Create(Box::new(new_room(RoomKind::Direct, "d", owner, others)))
    };
    let remove = |id: &str| RoomAction::Remove(person(id).user);
    commit(&*store, direct(Some("kim"), &["lee"]))
        .await
        .unwrap();
    act_as(&*store, "d", ("shop", Role::Service), remove("kim"))
        .await
        .unwrap();
    for (asks, other) in [("kim", "lee"), ("lee", "kim")] {
        let refused = commit(&*store, direct(Some(asks), &[other])).await;
        assert_eq!(refused.unwrap_err().code(), Code::NotYourRoom, "{asks}");
        assert_eq!(standing(&*store, "d", "kim").await, Standing::Removed);
    }
    commit(&*store, direct(None, &["lee", "kim"]))
        .await
        .unwrap();
    assert!(standing(&*store, "d", "kim").await.is_member());
    act_as(&*store, "d", ("shop", Role::Service), remove("kim"))
        .await
        .unwrap();
    let last = act_as(&*store, "d", ("shop", Role::Service), remove("lee")).await;
    assert!(last.unwrap().deleted.is_some());
    assert_eq!(room(&*store, "d").await, None);
}
