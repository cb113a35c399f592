//! What the gateways of several nodes say to each other. The engine hears the bus and hands it on unread.

use std::sync::Arc;

use bytes::Bytes;
use madang_domain::ports::Bus;

use crate::engine::Engine;

/// Hears what other gateways say. Called by the one task that hears the bus: must not wait.
pub trait GatewayMail: Send + Sync {
    /// A gateway published this, to all or to this one.
    fn heard(&self, payload: &Bytes);

    /// Something may have been lost.
    fn missed(&self);
}

impl Engine {
    /// The bus of this node, for what its gateway says to others.
    #[must_use]
    pub const fn bus(&self) -> &Arc<dyn Bus> {
        &self.bus
    }

    /// Hands to `mail` what is published to gateways from now on. It is for the gateway to
    /// subscribe to its topics. A node has one gateway: a second one hears nothing.
    pub fn deliver_gateway_mail(&self, mail: Arc<dyn GatewayMail>) {
        drop(self.gateway_mail.set(mail));
    }

    pub(crate) fn heard_by_gateway(&self, payload: &Bytes) {
        if let Some(mail) = self.gateway_mail.get() {
            mail.heard(payload);
        }
    }

    pub(crate) fn gateway_missed(&self) {
        if let Some(mail) = self.gateway_mail.get() {
            mail.missed();
        }
    }
}
