//! Who takes part in a round: two groups with an owner, members and somebody who is removed; three customers, whose
//! rooms three agents want.

use madang_e2e::dice::Dice;
use madang_loadgen::http::encoded;
use serde_json::{Value, json};

use crate::clients::{Agent, Door, Reader, Rest, Start, World, Writer};
use crate::cluster::token;
use crate::history::What;

const GROUPS: usize = 2;
const CUSTOMERS: usize = 3;
const AGENTS: usize = 3;

/// Messages in all after which a member is removed, at most.
const REMOVED_AFTER_MAX: usize = 300;

/// Everybody, before they begin.
pub(crate) struct Cast {
    pub(crate) rooms: Vec<String>,
    /// The user id of who may read everything.
    pub(crate) admin: String,
    pub(crate) writers: Vec<Writer>,
    /// Those who say the last word, one for each room.
    pub(crate) closing: Vec<Writer>,
    pub(crate) readers: Vec<Reader>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) removals: Vec<Removal>,
}

/// An owner who removes a member.
pub(crate) struct Removal {
    world: World,
    owner: Rest,
    room: String,
    user: String,
    after: u64,
}

impl Removal {
    /// When enough was said, or nothing more is.
    pub(crate) async fn run(self) {
        let mut accepted = self.world.history.accepted();
        tokio::select! {
            _ = accepted.wait_for(|accepted| *accepted >= self.after) => {}
            () = self.world.ending() => {}
        }
        let (room, user) = (encoded(&self.room), encoded(&self.user));
        let path = format!("/api/v1/rooms/{room}/members/{user}");
        // A refusal says that an attempt without an answer did it.
        let _ = self.owner.insist("DELETE", &path, &Value::Null).await;
        let (room, user) = (self.room, self.user);
        self.world.history.record(What::Removed { user, room });
    }
}

/// A room and where its readers begin.
pub(crate) type Place = (String, Start);

/// Makes the rooms and the people of them.
struct Casting<'a> {
    world: &'a World,
    tag: &'a str,
    dice: &'a mut Dice,
    cast: Cast,
}

impl Cast {
    /// To be filled.
    pub(crate) fn nobody(tag: &str) -> Self {
        Self {
            rooms: Vec::new(),
            admin: format!("admin-{tag}"),
            writers: Vec::new(),
            closing: Vec::new(),
            readers: Vec::new(),
            agents: Vec::new(),
            removals: Vec::new(),
        }
    }

    /// # Errors
    /// A room that cannot be made.
    pub(crate) async fn assemble(
        world: &World,
        tag: &str,
        dice: &mut Dice,
    ) -> Result<Self, String> {
        let mut casting = Casting {
            world,
            tag,
            dice,
            cast: Self::nobody(tag),
        };
        casting.groups().await?;
        casting.desk().await?;
        Ok(casting.cast)
    }
}

impl Casting<'_> {
    async fn groups(&mut self) -> Result<(), String> {
        let shared = self.name("member", 0);
        let mut places = Vec::new();
        for number in 1..=GROUPS {
            let owner = self.name("owner", number);
            let member = self.name("member", number);
            let removed = self.name("removed", number);
            let members = [&shared, &member, &removed];
            let body = json!({"kind": "group", "title": "A group", "members": members});
            let place = self.make_room(&owner, &body).await?;
            let room = place.0.clone();
            for user in members {
                let writer = self.writer(&room, user);
                self.cast.writers.push(writer);
            }
            let writer = self.writer(&room, &owner);
            self.cast.closing.push(writer);
            self.read(&owner, Door::Stomp, std::slice::from_ref(&place));
            self.read(&member, Door::Json, std::slice::from_ref(&place));
            self.read(&removed, Door::Stomp, std::slice::from_ref(&place));
            let removal = Removal {
                world: self.world.clone(),
                owner: self.rest(&owner),
                room,
                user: removed,
                after: 1 + self.dice.below(REMOVED_AFTER_MAX) as u64,
            };
            self.cast.removals.push(removal);
            places.push(place);
        }
        self.read(&shared, Door::Json, &places);
        self.read(&shared, Door::Stomp, &places);
        Ok(())
    }

    async fn desk(&mut self) -> Result<(), String> {
        let mut places = Vec::new();
        for number in 1..=CUSTOMERS {
            let customer = self.name("customer", number);
            let place = self
                .make_room(&customer, &json!({"kind": "support"}))
                .await?;
            let writer = self.writer(&place.0, &customer);
            self.cast.closing.push(writer);
            self.read(&customer, Door::Stomp, std::slice::from_ref(&place));
            self.read(&customer, Door::Json, std::slice::from_ref(&place));
            places.push(place);
        }
        let name = format!("{}/stomp", self.cast.admin);
        let admin = token(&self.cast.admin, "ROLE_MADANG_ADMIN");
        let dice = self.dice();
        let reader = Reader::new(self.world.clone(), name, admin, Door::Stomp, &places, dice);
        self.cast.readers.push(reader);
        let rooms: Vec<String> = places.into_iter().map(|(room, _)| room).collect();
        let names: Vec<String> = (1..=AGENTS)
            .map(|number| self.name("agent", number))
            .collect();
        for user in &names {
            let token = token(user, "ROLE_AGENT");
            let (world, dice) = (self.world.clone(), self.dice());
            let agent = Agent::new(world, user, token, rooms.clone(), names.clone(), dice);
            self.cast.agents.push(agent);
        }
        Ok(())
    }

    async fn make_room(&mut self, maker: &str, body: &Value) -> Result<Place, String> {
        let place = make_room(&self.rest(maker), body).await?;
        self.cast.rooms.push(place.0.clone());
        Ok(place)
    }

    fn read(&mut self, user: &str, door: Door, places: &[Place]) {
        let name = format!("{user}/{}", door.name());
        let token = token(user, "ROLE_USER");
        let (world, dice) = (self.world.clone(), self.dice());
        let reader = Reader::new(world, name, token, door, places, dice);
        self.cast.readers.push(reader);
    }

    fn writer(&mut self, room: &str, user: &str) -> Writer {
        let (world, dice) = (self.world.clone(), self.dice());
        Writer::new(world, room, user, token(user, "ROLE_USER"), dice)
    }

    fn rest(&self, user: &str) -> Rest {
        Rest {
            address: self.world.address,
            token: token(user, "ROLE_USER"),
        }
    }

    /// Chance of one client's own.
    fn dice(&mut self) -> Dice {
        Dice::new(self.dice.bits(), 0, 0)
    }

    fn name(&self, role: &str, number: usize) -> String {
        format!("{role}{number}-{}", self.tag)
    }
}

/// # Errors
/// The code that refuses, or what the answer lacks.
pub(crate) async fn make_room(maker: &Rest, body: &Value) -> Result<Place, String> {
    let made = maker.insist("POST", "/api/v1/rooms", body).await?;
    let room = made["id"].as_str().ok_or("a room without an id")?;
    let head = &made["head"];
    let position = head["position"].as_str().ok_or("a room without a head")?;
    let start = Start {
        position: position.to_owned(),
        seq: head["lastSeq"].as_u64().ok_or("a head without a number")?,
    };
    Ok((room.to_owned(), start))
}
