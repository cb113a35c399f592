//! The HTTP door, asked as its clients ask it, over the real engine and a real store.

mod agent;
mod authorization;
mod community;
mod contract;
mod direct;
mod fixture;
mod form;
mod guests;
mod host;
mod native;
mod origins;
mod pages;
mod pictures;
mod publish;
mod reference;
mod refusals;
mod roles;
mod shape;
mod user;
