//! The Madang server: its doors, its authority on who is who, its configuration and telemetry.

pub mod app;
pub mod asyncapi;
pub mod auth;
pub mod authorization;
pub mod cli;
pub mod config;
pub mod contracts;
pub mod gateway;
mod hex;
pub mod http;
mod identity;
mod listener;
pub mod pictures;
mod revoked;
pub mod roles;
pub mod telemetry;
pub mod tls;
