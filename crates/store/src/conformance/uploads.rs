//! Uploads as rooms' pictures: one room each, and once.

use std::sync::Arc;

use madang_domain::ports::Store;
use madang_domain::room::RETIRED_FOR;
use madang_domain::{Code, Command, NewRoom, ProfileChange, RoomAction, RoomKind};

use super::*;

const ONE: &str = "/pictures/1.png";
const OTHER: &str = "/pictures/2.png";

fn show(picture: Option<&str>) -> RoomAction {
    RoomAction::Edit(ProfileChange {
        picture: Some(picture.map(Arc::from)),
        ..ProfileChange::default()
    })
}

fn with_picture(id: &str, picture: &str) -> NewRoom {
    let mut new = new_room(RoomKind::Group, id, Some("kim"), &["lee"]);
    new.profile.picture = Some(picture.into());
    new
}

async fn make(store: &dyn Store, id: &str, picture: &str) -> Result<(), Code> {
    let new = Command::Create(Box::new(with_picture(id, picture)));
    let made = commit(store, new).await;
    made.map(drop).map_err(|error| error.code())
}

async fn edit(store: &dyn Store, id: &str, picture: Option<&str>) -> Result<(), Code> {
    act(store, id, "kim", show(picture)).await.map(drop)
}

async fn retire(store: &dyn Store, links: &[&str], micros: i64) -> Vec<bool> {
    let links: Vec<Arc<str>> = links.iter().map(|link| Arc::from(*link)).collect();
    store.retire_uploads(&links, at(micros)).await.unwrap()
}

/// Of two rooms one has it; a link to elsewhere is anybody's.
pub async fn one_room_has_it(factory: &dyn Factory) {
    let store = factory.fresh().await;
    make(&*store, "a", ONE).await.unwrap();
    assert_eq!(make(&*store, "b", ONE).await, Err(Code::BodyInvalid));
    assert_eq!(room(&*store, "b").await, None, "nothing is left of it");
    make(&*store, "b", "https://x").await.unwrap();
    make(&*store, "c", "https://x").await.unwrap();
    let before = room(&*store, "b").await;
    let refused = edit(&*store, "b", Some(ONE)).await;
    assert_eq!(refused, Err(Code::BodyInvalid));
    assert_eq!(room(&*store, "b").await, before);
    edit(&*store, "a", Some(ONE)).await.unwrap();
    // Of one transaction the first.
    let two = ["d", "e"].map(|id| Command::Create(Box::new(with_picture(id, OTHER))));
    let outcomes = store.commit(two.to_vec()).await.unwrap();
    let made: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(made, [true, false]);
}

/// What a room had no room can take again, the same one neither.
pub async fn what_a_room_had_is_used_up(factory: &dyn Factory) {
    let store = factory.fresh().await;
    make(&*store, "a", ONE).await.unwrap();
    edit(&*store, "a", Some(OTHER)).await.unwrap();
    assert_eq!(retire(&*store, &[ONE, OTHER], 1).await, [false, true]);
    let store = factory.reopen(store).await;
    assert_eq!(edit(&*store, "a", Some(ONE)).await, Err(Code::BodyInvalid));
    assert_eq!(make(&*store, "b", ONE).await, Err(Code::BodyInvalid));
    act(&*store, "a", "kim", RoomAction::Delete).await.unwrap();
    assert_eq!(make(&*store, "b", OTHER).await, Err(Code::BodyInvalid));
    assert_eq!(retire(&*store, &[OTHER], 1).await, [false]);
}

/// What no room has no room can take from then on, until it may be forgotten.
pub async fn retiring(factory: &dyn Factory) {
    let store = factory.fresh().await;
    assert_eq!(retire(&*store, &[], 1).await, [false; 0]);
    make(&*store, "a", ONE).await.unwrap();
    for _ in 0..2 {
        assert_eq!(retire(&*store, &[OTHER, ONE], 1).await, [false, true]);
    }
    let store = factory.reopen(store).await;
    let refused = edit(&*store, "a", Some(OTHER)).await;
    assert_eq!(refused, Err(Code::BodyInvalid));
    let kept = i64::try_from(RETIRED_FOR.as_micros()).unwrap();
    retire(&*store, &["/pictures/3.png"], 1 + kept).await;
    let refused = edit(&*store, "a", Some(OTHER)).await;
    assert_eq!(refused, Err(Code::BodyInvalid), "it is remembered so long");
}

/// Whoever is first wins: what is said to be unused no room has or gets.
pub async fn taking_and_retiring_race(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let other = factory.another(&store).await;
    for n in 0..40 {
        let link = format!("/pictures/{n}.png");
        let taker = Arc::clone(other.as_ref().unwrap_or(&store));
        let taking = {
            let (id, link) = (format!("r{n}"), link.clone());
            tokio::spawn(async move { make(&*taker, &id, &link).await.is_ok() })
        };
        let used = retire(&*store, &[&link], 1).await;
        let has = taking.await.unwrap();
        assert_eq!(used, [has], "{link}");
        assert_eq!(room(&*store, &format!("r{n}")).await.is_some(), has);
    }
}
