//! Trade rooms: direct rooms about an item for sale, between its buyer and its seller.
//!
//! Who is which, and the item, stand in the room's context, which never changes; so a pair has one
//! room for each item.

use std::sync::Arc;

use madang_domain::ports::RoomsQuery;
use madang_domain::{
    Caller, Code, Error, Notification, Profile, Role, Room, RoomId, RoomKind, UserId,
};
use madang_engine::{Engine, RoomPlan};
use serde::{Deserialize, Serialize};

use super::LISTED_MAX;
use crate::contracts::plain::NumberOrText;

const OPENED: &str = "님이 거래 채팅을 시작했습니다.";

/// What a trade room is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// The host's id of the item.
    pub item: String,
    /// Who wants it: a user id.
    pub buyer: String,
    /// Who has it: a user id.
    pub seller: String,
}

/// A trade room, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeRoom {
    /// The room as it stands.
    pub room: Room,
    /// What it is about.
    pub trade: Trade,
}

/// The room's context: in the order of the canonical form. The host may have written numbers.
#[derive(Deserialize)]
struct ReadContext {
    buyer: NumberOrText,
    seller: NumberOrText,
    trade: NumberOrText,
}

#[derive(Serialize)]
struct WrittenContext<'a> {
    buyer: &'a str,
    seller: &'a str,
    trade: &'a str,
}

impl Trade {
    /// What the room is about, as `member` of it sees it; `None` for one that is no trade room. Its
    /// context must name its two: whoever looks, and whose room it is. Who owns a room and looks has
    /// been checked when they made it ([`check_maker`]).
    #[must_use]
    pub fn of(room: &Room, member: &UserId) -> Option<Self> {
        let trade = Self::said_of(room)?;
        let owner = room.owner.as_ref()?;
        let is_theirs = trade.names(member) && trade.names(&owner.user);
        is_theirs.then_some(trade)
    }

    /// What the room's context says, whoever wrote it.
    fn said_of(room: &Room) -> Option<Self> {
        let context = room.profile.context.as_deref();
        Self::read(context.filter(|_| room.kind() == RoomKind::Direct)?)
    }

    /// What a context says, if it is one of a trade room.
    fn read(context: &str) -> Option<Self> {
        let ReadContext {
            buyer,
            seller,
            trade,
        } = serde_json::from_str(context).ok()?;
        Some(Self {
            item: trade.into_text(),
            buyer: buyer.into_text(),
            seller: seller.into_text(),
        })
    }

    fn names(&self, user: &UserId) -> bool {
        [&self.buyer, &self.seller]
            .into_iter()
            .any(|named| named == user.as_str())
    }

    /// The context of its room, in canonical form.
    #[must_use]
    pub fn context(&self) -> Arc<str> {
        let context = WrittenContext {
            buyer: &self.buyer,
            seller: &self.seller,
            trade: &self.item,
        };
        // Text only: nothing that serialization could refuse.
        Arc::from(serde_json::to_string(&context).unwrap_or_default())
    }
}

/// Tells whether `maker` may make such a room as far as its context goes: whoever makes a trade room
/// is its buyer, and the other one its seller. The host may make one for any two.
///
/// # Errors
/// [`Code::BodyInvalid`]: the context names others. The client's fault; not retryable.
pub fn check_maker(maker: &Caller, plan: &RoomPlan) -> Result<(), Error> {
    let is_asked = maker.role != Role::Service && plan.kind == RoomKind::Direct;
    let context = plan.profile.context.as_deref().filter(|_| is_asked);
    let Some(trade) = context.and_then(Trade::read) else {
        return Ok(());
    };
    let mut others = plan.members.iter().filter(|other| **other != maker.user);
    let is_sellers = |other: &UserId| other.as_str() == trade.seller;
    if trade.buyer == maker.user.as_str() && others.all(is_sellers) {
        return Ok(());
    }
    let detail = "who makes a trade room is its buyer, and the other one its seller";
    Err(Error::with_detail(Code::BodyInvalid, detail))
}

impl TradeRoom {
    fn of(room: Room, member: &UserId) -> Option<Self> {
        let trade = Trade::of(&room, member)?;
        Some(Self { room, trade })
    }

    fn is_named(&self, named: &str) -> bool {
        self.trade.item == named
    }

    /// What its seller is told when `buyer` has opened it.
    #[must_use]
    pub fn notice(&self, buyer: &Caller) -> Notification {
        let room = &self.room.id;
        let data = serde_json::json!({
            "roomId": room.as_str(),
            "tradeId": self.trade.item,
            "buyerId": self.trade.buyer,
        });
        Notification {
            kind: Arc::from("trade.opened"),
            content: Arc::from(format!("{}{OPENED}", buyer.display_name())),
            url: Some(Arc::from(format!("/tradechat/{room}"))),
            data: Some(Arc::from(data.to_string())),
        }
    }
}

/// The caller's trade rooms, newest activity first. Looks at [`LISTED_MAX`] direct rooms; answers
/// whether there are more.
///
/// # Errors
/// As [`Engine::rooms_of`].
pub async fn rooms_of(engine: &Engine, caller: &Caller) -> Result<(Vec<TradeRoom>, bool), Error> {
    let query = RoomsQuery {
        kind: Some(RoomKind::Direct),
        after: None,
        limit: LISTED_MAX + 1,
    };
    let mut rooms = engine.rooms_of(caller, &query).await?;
    let has_more = rooms.len() > LISTED_MAX;
    rooms.truncate(LISTED_MAX);
    let rooms = rooms.into_iter().map(|summary| summary.view.room);
    let rooms = rooms.filter_map(|room| TradeRoom::of(room, &caller.user));
    Ok((rooms.collect(), has_more))
}

/// The caller's trade rooms that `named` may mean: the one of this id, or else all about this item.
/// Never empty.
///
/// # Errors
/// [`Code::RoomNotFound`]: none. [`Code::NotYourRoom`]: somebody else's. [`Code::RoomAmbiguous`]: the
/// caller has too many rooms to look through for an item. The client's fault.
/// [`Code::Unavailable`]: retryable.
pub async fn find(engine: &Engine, caller: &Caller, named: &str) -> Result<Vec<TradeRoom>, Error> {
    let id = RoomId::new(named).map_err(|_| Error::from(Code::RoomNotFound))?;
    let mut nothing = Code::RoomNotFound;
    match engine.view_room(caller, &id).await {
        // An admin may look on elsewhere, and takes no part.
        Ok(view) if view.standing.is_member() => {
            if let Some(room) = TradeRoom::of(view.room, &caller.user) {
                return Ok(vec![room]);
            }
        }
        Ok(view) if Trade::said_of(&view.room).is_some() => nothing = Code::NotYourRoom,
        Ok(_) => {}
        Err(error) => match error.code() {
            code @ (Code::RoomNotFound | Code::NotYourRoom) => nothing = code,
            _ => return Err(error),
        },
    }
    let (rooms, has_more) = rooms_of(engine, caller).await?;
    if has_more {
        let detail = "you have too many rooms to find one by its item: name it by its id";
        return Err(Error::with_detail(Code::RoomAmbiguous, detail));
    }
    let rooms: Vec<_> = rooms
        .into_iter()
        .filter(|one| one.is_named(named))
        .collect();
    match rooms.is_empty() {
        true => Err(nothing.into()),
        false => Ok(rooms),
    }
}

/// The room that is meant, when it is one.
///
/// # Errors
/// [`Code::RoomAmbiguous`] names all that are meant. The client's fault.
pub fn only(mut rooms: Vec<TradeRoom>) -> Result<TradeRoom, Error> {
    match (rooms.pop(), rooms.is_empty()) {
        (Some(room), true) => Ok(room),
        (None, _) => Err(Code::RoomNotFound.into()),
        (Some(last), false) => {
            rooms.push(last);
            let detail = format!(
                "you have several rooms about this item, name one by its id: {}",
                ids(&rooms)
            );
            Err(Error::with_detail(Code::RoomAmbiguous, detail))
        }
    }
}

/// Rooms that an error names at most.
const NAMED_MAX: usize = 20;

/// The ids of rooms, for people.
#[must_use]
pub fn ids(rooms: &[TradeRoom]) -> String {
    let ids = rooms.iter().take(NAMED_MAX).map(|one| one.room.id.as_str());
    let mut ids = ids.collect::<Vec<_>>().join(", ");
    if rooms.len() > NAMED_MAX {
        ids.push_str(", …");
    }
    ids
}

/// The room of the caller, as the buyer, with the seller of an item; made if it is missing. Answers
/// whether it was. `seller` is needed for an item of which the caller has no room; the host may have
/// made it.
///
/// # Errors
/// [`Code::ParameterInvalid`]: no item can be called so. [`Code::BodyInvalid`]: there is no telling who
/// the seller is, or the caller is. [`Code::RoomAmbiguous`]: the caller has rooms with several sellers
/// of the item. The client's fault. [`Code::Unavailable`]: retryable.
pub async fn open(
    engine: &Engine,
    caller: &Caller,
    item: &str,
    seller: Option<UserId>,
) -> Result<(TradeRoom, bool), Error> {
    // An item's id is bounded as a room's is: both name rooms.
    RoomId::new(item).map_err(|reason| {
        Error::with_detail(
            Code::ParameterInvalid,
            format!("the id of an item {reason}"),
        )
    })?;
    let is_meant = |one: &TradeRoom| {
        let is_sellers = |seller: &UserId| seller.as_str() == one.trade.seller;
        one.is_named(item)
            && one.trade.buyer == caller.user.as_str()
            && seller.as_ref().is_none_or(is_sellers)
    };
    let (rooms, _) = rooms_of(engine, caller).await?;
    let rooms: Vec<_> = rooms.into_iter().filter(is_meant).collect();
    let (context, seller) = if rooms.is_empty() {
        let unknown = || Error::with_detail(Code::BodyInvalid, "sellerId is needed");
        let seller = seller.ok_or_else(unknown)?;
        let trade = Trade {
            item: item.to_owned(),
            buyer: caller.user.to_string(),
            seller: seller.to_string(),
        };
        (Some(trade.context()), seller)
    } else {
        let TradeRoom { room, trade } = only(rooms)?;
        let seller = UserId::new(&trade.seller).map_err(|_| Error::from(Code::Internal))?;
        (room.profile.context, seller)
    };
    let plan = RoomPlan {
        kind: RoomKind::Direct,
        profile: Profile {
            context,
            ..Profile::default()
        },
        members: vec![seller],
        owner: None,
    };
    let (room, made) = engine.create_room(caller, plan).await?;
    let room = TradeRoom::of(room, &caller.user).ok_or(Code::Internal)?;
    Ok((room, made))
}

#[cfg(test)]
mod tests {
    use madang_domain::{Epoch, Person, RoomDetail, RoomHead, Seq, Timestamp};

    use super::*;

    fn room(id: &str, detail: RoomDetail, context: Option<&str>) -> Room {
        Room {
            id: RoomId::new(id).unwrap(),
            number: 1,
            head: RoomHead {
                epoch: Epoch::new(1),
                last: Seq::ZERO,
                oldest: Seq::new(1),
                access_version: 0,
            },
            created_at: Timestamp::from_micros(0),
            detail,
            profile: Profile {
                context: context.map(Arc::from),
                ..Profile::default()
            },
            owner: Some(Person {
                user: user("kim"),
                name: None,
            }),
            member_count: 2,
        }
    }

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn trade(item: &str) -> Trade {
        Trade {
            item: item.to_owned(),
            buyer: "kim".to_owned(),
            seller: "lee".to_owned(),
        }
    }

    #[test]
    fn a_trade_stands_in_its_rooms_context_and_is_read_back() {
        let lee = user("lee");
        let context = trade("77").context();
        assert_eq!(&*context, r#"{"buyer":"kim","seller":"lee","trade":"77"}"#);
        let made = room("r", RoomDetail::Direct, Some(&context));
        assert_eq!(Trade::of(&made, &lee), Some(trade("77")));
        let by_host = r#"{"buyer":"kim","seller":"lee","stock":3,"trade":77}"#;
        let made = room("r", RoomDetail::Direct, Some(by_host));
        assert_eq!(
            Trade::of(&made, &lee),
            Some(trade("77")),
            "numbers and more members"
        );
        assert_eq!(Trade::of(&made, &user("park")), None, "is not named");
        let group = room("r", RoomDetail::Group, Some(&context));
        assert_eq!(Trade::of(&group, &lee), None);
        for other in [None, Some("77"), Some(r#"{"trade":"77"}"#)] {
            assert_eq!(Trade::of(&room("r", RoomDetail::Direct, other), &lee), None);
        }
    }

    #[test]
    fn of_several_rooms_none_is_guessed_and_all_are_named() {
        let of = |id: &str| {
            let room = room(id, RoomDetail::Direct, Some(&trade("77").context()));
            TradeRoom::of(room, &user("lee")).unwrap()
        };
        assert_eq!(only(vec![of("a")]).unwrap().room.id.as_str(), "a");
        let error = only(vec![of("a"), of("b")]).unwrap_err();
        assert_eq!(error.code(), Code::RoomAmbiguous);
        assert!(error.message().ends_with(": a, b"), "{error}");
        let many: Vec<_> = (0..=NAMED_MAX).map(|n| of(&n.to_string())).collect();
        assert!(ids(&many).ends_with("19, …"));
        assert_eq!(only(Vec::new()).unwrap_err().code(), Code::RoomNotFound);
    }
}
