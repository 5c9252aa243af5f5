//! The pieces that the messages of an issue share: the mailer looks at each once, however many readers get it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::mailer::{Message, Piece};
use crate::message::{Stamped, StampedPiece};

/// Pieces that were looked at, by where they lie; they are held here, so nothing else comes to lie there.
#[derive(Default)]
pub(crate) struct Pieces(RwLock<HashMap<usize, Piece>>);

impl Pieces {
    /// A stamped message as the mailer takes it.
    pub(crate) fn message(&self, stamped: &Stamped) -> Message {
        let own = stamped.own().into();
        Message::new(stamped.pieces().map(|piece| match piece {
            StampedPiece::Own(range) => Piece::part(&own, range),
            StampedPiece::Shared(bytes) => self.shared(bytes),
        }))
    }

    fn shared(&self, bytes: &Arc<[u8]>) -> Piece {
        let place = bytes.as_ptr().addr();
        // Nothing panics under the lock.
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        known.unwrap_or_else(|| {
            let piece = Piece::new(bytes.clone());
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(place, piece.clone());
            piece
        })
    }
}
