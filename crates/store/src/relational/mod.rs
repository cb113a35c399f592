//! The store as every relational database has it: business transactions over one set of tables.
//!
//! # What an adapter brings
//! - A connection ([`database::Database`]) that runs the statements of this folder; they are written
//!   once, and an adapter translates what its database says otherwise.
//! - Where the entries of logs are kept ([`log::Log`], [`log::Newest`]).
//! - Workers that read and write ([`read::Reads`], [`change::Changes`]): threads that own a connection
//!   each, so that statements follow each other without a task between them.
//!
//! # What is kept, and how it is read
//! Each entry of a log knows how many countable ones there are up to it, and each member how many of
//! their own are behind their mark: so what is unread is a difference of three numbers (`lists`).
//! Rows of `rooms` change only with who may do what, `members` with who belongs and has read; neither
//! is touched by an append. Words are found by `filter` and `search`.
//!
//! An entry that is edited or deleted is changed where it is, in the transaction that appends the
//! event that says so; nothing keeps what it said before.
//!
//! Deleting a room deletes its rows in `rooms` and `logs`, by which everything finds it, and notes
//! the rest in `purges`, which is worked off in steps. Room numbers are never given out again.
//!
//! # Several nodes
//! A transaction locks the rooms that it changes before it looks at them ([`Database::lock_rooms`]
//! within [`change::Change::load_room`]), those named by its commands first and in one order. What is
//! made only once (users, rooms, direct rooms, uploads) has a unique key: who comes second finds the
//! first one when their transaction is run again.
//!
//! [`Database::lock_rooms`]: database::Database::lock_rooms

pub(crate) mod change;
mod commit;
pub(crate) mod counted;
pub(crate) mod create;
pub(crate) mod database;
pub(crate) mod desk;
pub(crate) mod digest;
mod entries;
pub(crate) mod filter;
mod gathered;
pub(crate) mod lists;
pub(crate) mod log;
pub(crate) mod marks;
pub(crate) mod members;
mod membership;
pub(crate) mod memory;
pub(crate) mod messages;
pub(crate) mod notifications;
pub(crate) mod queue;
pub(crate) mod read;
pub(crate) mod read_counts;
pub(crate) mod remove;
pub(crate) mod retention;
pub(crate) mod rooms;
pub(crate) mod search;
mod send;
mod store;
pub(crate) mod uploads;
pub(crate) mod users;
pub(crate) mod walk;
pub(crate) mod workers;

pub use store::RelationalStore;
