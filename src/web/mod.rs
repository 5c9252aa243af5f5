//! The readers' web: sign-up, confirm, unsubscribe, read online.
