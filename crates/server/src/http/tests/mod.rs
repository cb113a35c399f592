//! The HTTP door, asked as its clients ask it, over the real engine and a real store.

mod agent;
mod authorization;
mod contract;
mod fixture;
mod guests;
mod origins;
mod pages;
mod publish;
mod reference;
mod shape;
mod user;
