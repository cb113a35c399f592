//! Open rooms, which this contract names by their numbers.

use madang_domain::ports::RoomView;
use madang_domain::{Caller, Error, RoomKind};
use madang_engine::Engine;

/// The open room with this number, and what the caller is to it.
///
/// # Errors
/// [`madang_domain::Code::RoomNotFound`]: there is none. [`madang_domain::Code::NotYourRoom`]: the
/// caller was removed from it. The client's fault. [`madang_domain::Code::Unavailable`]: retryable.
pub async fn find(engine: &Engine, caller: &Caller, number: u64) -> Result<RoomView, Error> {
    let is_open = |kind| kind == RoomKind::Open;
    engine.view_room_by_number(caller, number, is_open).await
}
