//! The store of pictures: what it promises wherever it is ([`on_every_store`]), what it does with a
//! folder, and whom it lets upload.

mod fixture;
mod folder;
mod on_every_store;
