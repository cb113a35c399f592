//! What holds for any conversation and for any bytes; tungstenite is the
//! second opinion.

mod any_bytes;
mod any_script;
mod script;
mod tungstenite;
