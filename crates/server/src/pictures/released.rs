//! Removing the pictures that rooms let go of as soon as they do. No room can take them by then; what
//! is missed here the sweep removes.

use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{PictureKey, PictureStore};

/// Removes the uploads among the pictures that rooms let go of, until the engine ends. What fails is
/// logged, and left to the sweep.
pub async fn remove_released(pictures: Arc<PictureStore>, mut released: Receiver<Arc<str>>) {
    loop {
        match released.recv().await {
            Ok(link) => {
                if let Some(key) = PictureKey::from_link(&link) {
                    drop(pictures.delete(&key).await);
                }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(
                    missed,
                    "pictures that rooms let go of are left to the sweep"
                );
            }
            Err(RecvError::Closed) => return,
        }
    }
}
