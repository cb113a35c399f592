//! Open rooms, which this contract names by their numbers.

use madang_domain::ports::RoomView;
use madang_domain::{Caller, Code, Error, RoomKind};
use madang_engine::Engine;

/// The open room with this number, and what the caller is to it.
///
/// # Errors
/// [`Code::RoomNotFound`]: there is none. [`Code::NotYourRoom`]: the caller was removed from it. The
/// client's fault. [`Code::Unavailable`]: retryable.
pub async fn find(engine: &Engine, caller: &Caller, number: u64) -> Result<RoomView, Error> {
    let view = engine.view_room_by_number(caller, number).await?;
    if view.room.kind() != RoomKind::Open {
        return Err(Code::RoomNotFound.into());
    }
    Ok(view)
}
