//! How a room's log looks to one STOMP subscription.

use std::sync::Arc;

use madang_domain::{Message, MessageKind, RoomId};
use madang_engine::{RoomSignal, SignalKind};

use super::stomp::destination::{DESK, SUPPORT_DESK_SUBSCRIBE};
use crate::contracts::community::chat::{Shown, View};
use crate::contracts::native;
use crate::contracts::support_desk::{self, SupportDeskOptions};
use crate::contracts::topics::ROOMS;

/// In whose words a subscription gets its room.
#[derive(Debug, Clone)]
pub(in super::super) enum RoomFormat {
    Native,
    /// Contract 1.
    SupportDesk(Arc<SupportDeskOptions>),
    /// Contract 2.
    Community(Arc<View>),
}

impl RoomFormat {
    /// How many there are: subscriptions of one share what is rendered.
    pub(super) const COUNT: usize = 2 + Shown::ALL.len();

    /// Its number among them.
    pub(super) fn index(&self) -> usize {
        match self {
            Self::Native => 0,
            Self::SupportDesk(_) => 1,
            Self::Community(view) => 2 + view.shown as usize,
        }
    }

    /// Whether its clients are told of the end of a subscription: those of contracts take every body
    /// for a chat message.
    pub(super) const fn tells_ends(&self) -> bool {
        matches!(self, Self::Native)
    }

    /// Whether its clients know such entries.
    pub(super) fn shows(&self, kind: MessageKind) -> bool {
        match self {
            Self::Native => true,
            Self::SupportDesk(_) => kind == MessageKind::Message,
            Self::Community(view) => view.shows(kind),
        }
    }

    /// Whether its clients know such signals.
    pub(super) fn shows_signal(&self, kind: SignalKind) -> bool {
        match self {
            Self::Native | Self::SupportDesk(_) => false,
            Self::Community(view) => view.shown == Shown::Entrances && kind == SignalKind::Entered,
        }
    }

    /// What a MESSAGE says that it comes from.
    pub(super) fn destination(&self, room: &RoomId) -> String {
        match self {
            Self::Native if *room == RoomId::desk() => DESK.to_owned(),
            Self::Native => format!("{ROOMS}{room}"),
            Self::SupportDesk(_) => format!("{SUPPORT_DESK_SUBSCRIBE}{room}"),
            Self::Community(view) => view.destination(),
        }
    }

    /// An entry that is shown, as JSON.
    pub(super) fn body(&self, message: &Message) -> Vec<u8> {
        match self {
            Self::Native => native::render_message(message),
            Self::SupportDesk(options) => support_desk::render_message(message, options),
            Self::Community(view) => view.render(message),
        }
    }

    /// A signal that is shown, as JSON.
    pub(super) fn signal_body(&self, signal: &RoomSignal) -> Vec<u8> {
        match self {
            Self::Native | Self::SupportDesk(_) => Vec::new(),
            Self::Community(view) => {
                let name = signal.name.as_deref().unwrap_or(signal.user.as_str());
                view.render_entrance(name)
            }
        }
    }
}
